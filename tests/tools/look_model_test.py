"""The forward pass and the first weights of look.py are the program's own."""

import math
import random
import unittest

import numpy as np

from look_support import NAMES, LookTest

import microgpt_numpy as reference
from microgpt_tools.look.checkpoint import read_checkpoint
from microgpt_tools.look.findings import attention, next_character
from microgpt_tools.look.initial import initial_parameters
from microgpt_tools.look.model import ACTIVATIONS, forward, parameter_shapes

CONFIG = {"n_layer": 2, "n_embd": 12, "n_head": 3, "block_size": 7, "activation": "gelu"}
TEXT = "The cat sat on the mat.\nThe dog sat on the cat.\n" * 20


def random_parameters(config, vocabulary_size):
    draw = np.random.default_rng(1)
    return {name: draw.normal(0, 0.5, shape) for name, shape in parameter_shapes(config, vocabulary_size)}


class ForwardTest(unittest.TestCase):
    def test_logits_are_those_of_the_reference(self):
        for activation in ACTIVATIONS:
            config = CONFIG | {"activation": activation}
            parameters = random_parameters(config, 9)
            for tokens in ([8], [8, 1, 4], [8, 0, 7, 7, 2, 3, 5]):
                logits, _ = forward(parameters, config, tokens)
                expected = reference.forward_logits(parameters, reference.Config(**config), tokens)
                np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-9)

    def test_attention_of_the_first_layer(self):
        """Head by head and position by position."""
        parameters, tokens, size = random_parameters(CONFIG, 9), [8, 3, 1, 3], 4
        _, weights = forward(parameters, CONFIG, tokens)
        self.assertEqual(weights.shape, (2, 3, 4, 4))
        norm = lambda x: x / math.sqrt(np.mean(x * x) + 1e-5)
        x = [norm(norm(parameters["wte"][token] + parameters["wpe"][t])) for t, token in enumerate(tokens)]
        for head in range(3):
            part = slice(head * size, (head + 1) * size)
            query, key = (
                [(parameters[f"layer0.{name}"] @ row)[part] for row in x] for name in ("attn_wq", "attn_wk")
            )
            for t in range(4):
                scores = [math.exp(query[t] @ key[s] / math.sqrt(size)) for s in range(t + 1)]
                expected = [score / sum(scores) for score in scores] + [0] * (3 - t)
                np.testing.assert_allclose(weights[0, head, t], expected, rtol=0, atol=1e-12)

    def test_attention_of_each_layer_is_a_share_of_the_past(self):
        _, weights = forward(random_parameters(CONFIG, 9), CONFIG, [8, 3, 1, 3, 0])
        np.testing.assert_allclose(weights.sum(axis=-1), 1)
        np.testing.assert_array_equal(weights, np.tril(weights))


class ProgramsModelTest(LookTest):
    def test_the_program_evaluates_to_the_same_probabilities(self):
        run = self.train_names(precision="float64", n_layer=2, num_steps=60)
        checkpoint = read_checkpoint(run.checkpoint())
        bos = len(checkpoint.characters)
        for token, character in enumerate(checkpoint.characters):
            first, second = (
                next_character(prefix, checkpoint, checkpoint.parameters).after for prefix in ("", character)
            )
            data = self.write("data.txt", character)
            output = self.succeed("evaluate", "--checkpoint", run.checkpoint(), "--data", data)
            nats = float(dict(line.split(":") for line in output.lines())["nats per character"])
            self.assertAlmostEqual(nats, -(math.log(first[token]) + math.log(second[bos])) / 2, delta=1e-6)

    def test_the_program_draws_what_is_most_probable_beyond_the_block_too(self):
        """At a low temperature; a long prompt slides the window."""
        text = self.write("text.txt", TEXT)
        run = self.train(
            "run", dataset=text, documents="text", block_size=6, num_steps=80, precision="float64"
        )
        checkpoint = read_checkpoint(run.checkpoint())
        for prompt in ("", "The", "The dog sat on the c", "at.\n"):
            drawn = self.succeed(
                "generate",
                "--checkpoint",
                run.checkpoint(),
                "--prompt",
                prompt,
                "--temperature",
                1e-6,
                "--length",
                30,
            )
            sample = drawn.out[:-1].removeprefix(prompt)
            self.assertEqual(len(sample), 30)
            for place, character in enumerate(sample):
                found = next_character(prompt + sample[:place], checkpoint, checkpoint.parameters)
                expected = checkpoint.characters[found.after[:-1].argmax()]  # a text has no end
                self.assertEqual(character, expected)

    def test_a_long_name_is_seen_in_a_window(self):
        checkpoint = read_checkpoint(self.train_names(block_size=4).checkpoint())
        found = attention("kalia", checkpoint)
        self.assertEqual([checkpoint.characters[token] for token in found.tokens], list("alia"))
        self.assertEqual(found.weights.shape, (1, 4, 4, 4))
        self.assertEqual(attention("ka", checkpoint).tokens[0], len(checkpoint.characters))


class InitialTest(LookTest):
    """A step of no size leaves the weights as they were drawn."""

    def check(self, out, **settings):
        settings = {"num_steps": 1, "learning_rate": "1.0e-300", "num_samples": 0, "batch_size": 2} | settings
        run = self.train(out, **settings)
        checkpoint = read_checkpoint(run.checkpoint())
        drawn = initial_parameters(checkpoint)
        self.assertEqual(list(drawn), list(checkpoint.parameters))
        for name, values in checkpoint.parameters.items():
            np.testing.assert_allclose(drawn[name], values, rtol=0, atol=1e-290, err_msg=name)
        return checkpoint

    def test_names(self):
        self.check("float32", dataset=NAMES)
        checkpoint = self.check(
            "float64",
            dataset=NAMES,
            precision="float64",
            validation_fraction=0.3,
            seed=7,
            n_layer=2,
            init_std=0.1,
        )
        self.assertGreater(np.abs(checkpoint.parameters["layer1.attn_wq"]).max(), 0.1)
        self.check("all_drawn", dataset=NAMES, zero_init_residual="false", seed=2**62)

    def test_text(self):
        text = self.write("text.txt", TEXT)
        self.check("text", dataset=text, documents="text", validation_fraction=0.25)

    def test_any_number_of_documents(self):
        """Since only their number tells how many random numbers the shuffle takes."""
        stream = random.Random(3)
        for count in (1, 2, 3, 31, 32, 33):
            names = "\n".join("".join(stream.choices("abc", k=3)) for _ in range(count))
            self.check(f"of-{count}", dataset=self.write("names.txt", names), n_embd=4, n_head=1)


if __name__ == "__main__":
    unittest.main()
