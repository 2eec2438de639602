"""Tests of the reference itself: the gradient against central differences, the rest against values found by hand."""

import json
import math
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

import microgpt_numpy as reference
from array_autograd import Tensor
from microgpt_numpy import Config

TWO_LAYERS = dict(n_layer=2, n_embd=8, n_head=2, block_size=5, init_std=0.3, zero_init_residual=False)
VOCAB_SIZE = 7
DOCUMENTS = [[6, 1, 1, 3, 0, 6], [6, 5, 2, 6]]  # of different length, one with a repeated token


def draw(config):
    random.seed(1)
    return reference.draw_parameters(config, VOCAB_SIZE)


class FileTest(unittest.TestCase):
    def write(self, content):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, "documents.txt")
        path.write_bytes(content.encode("utf-8"))
        return path

    def load(self, content, **settings):
        random.seed(42)
        return reference.load_data(Config(**settings), self.write(content))


class ModelTest(unittest.TestCase):
    def test_gradient_is_that_of_central_differences(self):
        h = 1e-5
        for activation in reference.ACTIVATIONS:
            config = Config(activation=activation, **TWO_LAYERS)
            parameters = draw(config)
            _, gradients = reference.loss_and_gradients(parameters, config, DOCUMENTS)
            for name, p in parameters.items():
                numeric = np.zeros_like(p)
                for at in np.ndindex(p.shape):
                    value = p[at]
                    p[at] = value + h
                    above = mean_loss(parameters, config)
                    p[at] = value - h
                    numeric[at] = (above - mean_loss(parameters, config)) / (2 * h)
                    p[at] = value
                with self.subTest(activation=activation, name=name):
                    self.assertGreater(np.abs(numeric).max(), 1e-4)  # else it would show nothing
                    np.testing.assert_allclose(gradients[name], numeric, rtol=1e-6, atol=1e-9)

    def test_both_forward_passes_agree(self):
        for activation in reference.ACTIVATIONS:
            config = Config(activation=activation, **TWO_LAYERS)
            parameters = draw(config)
            w = {name: Tensor(p) for name, p in parameters.items()}
            for document in DOCUMENTS:
                logits = reference.forward(w, config, document[:-1]).data
                plain = reference.forward_logits(parameters, config, document[:-1])
                np.testing.assert_allclose(logits, plain, rtol=1e-12, atol=1e-13)

    def test_no_position_sees_the_future(self):
        config = Config(**TWO_LAYERS)
        parameters = draw(config)
        whole = reference.forward_logits(parameters, config, [6, 1, 2, 3])
        np.testing.assert_allclose(whole[:2], reference.forward_logits(parameters, config, [6, 1]), rtol=1e-12)

    def test_zeroed_matrices_take_their_share_of_the_random_stream(self):
        zeroed, full = (draw(Config(zero_init_residual=flag)) for flag in (True, False))
        for name in zeroed:
            expected = 0 * full[name] if name.endswith(("attn_wo", "mlp_fc2")) else full[name]
            np.testing.assert_array_equal(zeroed[name], expected)

    def test_tutorial_shape_has_4064_parameters(self):
        shapes = reference.parameter_shapes(Config(), vocab_size=27)
        self.assertEqual(sum(rows * columns for rows, columns in shapes.values()), 4064)


def mean_loss(parameters, config):
    losses = []
    for document in DOCUMENTS:
        log_p = reference.log_softmax(reference.forward_logits(parameters, config, document[:-1]))
        losses.append(-np.mean([log_p[t, target] for t, target in enumerate(document[1:])]))
    return np.mean(losses)


class DataTest(FileTest):
    def test_lines_are_stripped_and_truncated(self):
        data = self.load(" ab\r\n\n\t\nb\fa\ncabbage\u3000", block_size=4)
        self.assertEqual(data.uchars, list("\fabceg"))  # also what truncation cuts off; \f breaks no line
        a, b, c, bos = 1, 2, 3, 6
        self.assertCountEqual(data.train, [[bos, a, b, bos], [bos, b, 0, a, bos], [bos, c, a, b, b]])

    def test_lines_hold_out_the_end_of_the_shuffled_list(self):
        lines = list("abcdefghij")
        data = self.load("\n".join(lines), validation_fraction=0.25)
        random.seed(42)
        random.shuffle(lines)
        self.assertEqual([data.uchars[document[1]] for document in data.train + data.held_out], lines)
        self.assertEqual(len(data.held_out), 2)

    def test_text_is_cut_into_windows_that_share_one_token(self):
        data = self.load("abca\r\nb", documents="text", block_size=3, validation_fraction=0.4)
        newline, a, b, c, bos = range(5)
        self.assertCountEqual(data.train, [[bos, a, b, c], [c, a, newline, b]])
        self.assertEqual(data.held_out, [[b, bos]])  # the shorter rest of the file is kept

    def test_nothing_to_train_on_is_an_error(self):
        for content in ("", " \n"):
            with self.assertRaises(ValueError):
                self.load(content)


class TrainingTest(FileTest):
    def test_schedules(self):
        def rates(**settings):
            return [reference.learning_rate(Config(learning_rate=1.0, **settings), step, 4) for step in range(4)]

        half = math.sqrt(0.5)
        np.testing.assert_allclose(rates(), [1, 0.5 * (1 + half), 0.5, 0.5 * (1 - half)])
        np.testing.assert_allclose(rates(lr_schedule="linear", warmup_steps=2), [0.5, 0.75, 0.5, 0.25])
        np.testing.assert_allclose(rates(lr_schedule="constant", warmup_steps=3), [1 / 3, 2 / 3, 1, 1])

    def test_clipping_is_by_the_norm_of_all_gradients(self):
        gradients = {"a": np.array([3.0]), "b": np.array([0.0, 4.0])}
        clipped = reference.clip_gradients(gradients, 1.0)
        np.testing.assert_allclose(np.concatenate([clipped["a"], clipped["b"]]), [0.6, 0, 0.8])
        for limit in (0.0, 5.0):
            self.assertIs(reference.clip_gradients(gradients, limit), gradients)

    def test_adam_with_decoupled_weight_decay(self):
        config = Config(beta1=0.5, beta2=0.75, eps_adam=1.0, weight_decay=0.1)
        result = reference.Result(parameters={"p": np.array([10.0])}, m={"p": np.zeros(1)}, v={"p": np.zeros(1)})
        reference.adam_step(config, result, {"p": np.array([4.0])}, step=0, lr=0.5)
        # m_hat = g and sqrt(v_hat) = |g| at first: 10 - 0.5 (4 / (4 + 1) + 0.1 * 10)
        np.testing.assert_allclose(result.parameters["p"], [9.1])
        reference.adam_step(config, result, {"p": np.array([0.0])}, step=1, lr=0.5)
        # m = 1, v = 3: m_hat = 1 / 0.75, v_hat = 3 / 0.4375
        np.testing.assert_allclose(result.parameters["p"], [9.1 - 0.5 * (4 / 3 / (math.sqrt(3 / 0.4375) + 1) + 0.91)])

    def test_model_of_zeros_guesses_evenly(self):
        path = self.write("ab\nabc\nb\ncab")
        result = reference.run(Config(init_std=0.0, batch_size=3, num_steps=1, validation_fraction=0.25), path)
        self.assertAlmostEqual(result.losses[0], math.log(4))
        result = reference.run(Config(init_std=0.0, validation_fraction=0.25), path, stop_after=0)
        self.assertAlmostEqual(result.val_losses[0], math.log(4))

    def test_loss_of_a_step_counts_documents_and_val_loss_positions_equally(self):
        config = Config(**TWO_LAYERS)
        parameters = draw(config)
        long, short = (reference.loss_and_gradients(parameters, config, [document])[0] for document in DOCUMENTS)
        self.assertAlmostEqual(reference.loss_and_gradients(parameters, config, DOCUMENTS)[0], (long + short) / 2)
        self.assertAlmostEqual(reference.validation_loss(parameters, config, DOCUMENTS), (5 * long + 3 * short) / 8)

    def test_steps_cycle_over_the_training_documents(self):
        path = self.write("ab\nabc\nb\ncab")
        settings = dict(validation_fraction=0.25, num_steps=5, learning_rate=0.0)
        singles = reference.run(Config(batch_size=1, **settings), path).losses
        self.assertEqual(singles[:2], singles[3:])
        pairs = reference.run(Config(batch_size=2, **settings), path).losses
        np.testing.assert_allclose(pairs[:2], [(singles[0] + singles[1]) / 2, (singles[2] + singles[0]) / 2])

    def test_stopping_early_keeps_the_schedule(self):
        path = self.write("ab\nabc\nb\ncab")
        whole = reference.run(Config(num_steps=6), path).losses
        self.assertEqual(reference.run(Config(num_steps=6), path, stop_after=4).losses, whole[:4])

    def test_what_is_learnt_by_heart_is_sampled(self):
        result = reference.run(Config(num_steps=60, batch_size=1, num_samples=3), self.write("karla"))
        self.assertLess(result.losses[-1], 0.01)
        self.assertEqual(result.samples, ["karla"] * 3)


class CommandTest(FileTest):
    def test_prints_the_run_as_json(self):
        path = self.write("ab\nabc\nb\ncab")
        command = [sys.executable, reference.__file__, "--dataset", path, "--stop-after", "2"]
        command += ["--set", "num_samples=3", "--set", "zero_init_residual=false", "--set", "num_steps=9"]
        report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        expected = reference.run(Config(num_samples=3, zero_init_residual=False, num_steps=9), path, stop_after=2)
        self.assertEqual(report["losses"], expected.losses)
        self.assertEqual(report["samples"], expected.samples)
        self.assertIsNone(report["val_loss"])
        self.assertEqual(report["sums"], {name: p.sum() for name, p in expected.parameters.items()})


if __name__ == "__main__":
    unittest.main()
