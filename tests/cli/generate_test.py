"""What generate draws is what Python draws from the checkpoint's weights with the same seed."""

import random
import unittest

import numpy as np

from program import NAMES, ProgramTest, read_settings, read_tensors

import microgpt_numpy as reference

BLOCK_SIZE = 5
TEXT = "The cat sat on the mat.\nThe dog sat on the cat.\n😀 è finito?\n" * 12


class GenerateTest(ProgramTest):
    """In float64, where both sides compute the same probabilities but for rounding."""

    def train_model(self, dataset, **settings):
        run = self.train("run", dataset=dataset, precision="float64", n_layer=2, block_size=BLOCK_SIZE,
                         num_steps=80, learning_rate=0.02, **settings)  # fmt: skip
        self.checkpoint = run.checkpoint()
        self.model = read_tensors(self.checkpoint)
        self.characters = [chr(code) for code in read_tensors(self.checkpoint, "tokenizer")["code_points"]]
        config = read_settings((run.folder / "config.cfg").read_text(encoding="utf-8"))
        self.config = reference.Config(**dict(reference.parse_setting(f"{k}={v}") for k, v in config.items()))

    def draw(self, prompt, temperature, length, stop_at_bos):
        bos = len(self.characters)
        tokens = [bos, *map(self.characters.index, prompt)]
        while len(tokens) <= len(prompt) + length:
            window = tokens[-BLOCK_SIZE:]  # positions count from 0 in each window
            logits = reference.forward_logits(self.model, self.config, window)[-1]
            weights = np.exp(reference.log_softmax(logits / temperature))
            weights[bos] *= stop_at_bos
            token = random.choices(range(bos + 1), weights.tolist())[0]
            if token == bos:
                break
            tokens.append(token)
        return "".join(self.characters[token] for token in tokens[1:])

    def check(self, count, seed, prompt="", temperature=0.5, length=500, options=()):
        random.seed(seed)
        is_lines = self.config.documents == "lines"
        expected = [self.draw(prompt, temperature, length, is_lines) for _ in range(count)]
        output = self.succeed("generate", "--checkpoint", self.checkpoint, *options)
        self.assertEqual(output.out, "".join(f"{sample}\n" for sample in expected))
        return expected

    def test_names(self):
        self.train_model(NAMES, seed=5, temperature=0.7)
        self.check(20, seed=5, temperature=0.7)  # as many as by default, with the run's own seed
        self.check(7, seed=123, temperature=1.3, options=["-n", 7, "--seed", 123, "--temperature", 1.3])

    def test_the_window_slides_behind_names_longer_than_a_block(self):
        self.train_model(NAMES)
        samples = self.check(60, seed=1, temperature=1.5, options=["-n", 60, "--seed", 1, "--temperature", 1.5])
        self.assertGreater(max(map(len, samples)), 2 * BLOCK_SIZE)

    def test_prompt(self):
        self.train_model(NAMES)
        for prompt in ("k", "anne", "annel", "annelie", "wolfgangamadeus"):
            with self.subTest(prompt):
                samples = self.check(6, seed=42, prompt=prompt, options=["-n", 6, "--prompt", prompt])
                self.assertTrue(all(sample.startswith(prompt) for sample in samples))

    def test_length_of_names_is_limited(self):
        self.train_model(NAMES)
        samples = self.check(9, seed=42, length=3, options=["-n", 9, "--length", 3])
        self.assertEqual(max(map(len, samples)), 3)

    def test_text(self):
        self.train_model(self.write("text.txt", TEXT), documents="text")
        for length in (1, BLOCK_SIZE, 200):
            (sample,) = self.check(1, seed=42, length=length, options=["--length", length])
            self.assertEqual(len(sample), length)  # BOS is never drawn
        self.check(1, seed=42)  # 500 characters
        self.check(3, seed=9, prompt="The 😀", length=40, temperature=0.9, options=[
            "-n", 3, "--seed", 9, "--prompt", "The 😀", "--length", 40, "--temperature", 0.9])  # fmt: skip

    def test_the_same_seed_draws_the_same_also_from_a_folder(self):
        self.train_model(NAMES)
        outputs = {self.succeed("generate", "--checkpoint", path).out for path in ("run", "run", "run/latest.h5")}
        self.assertEqual(len(outputs), 1)


if __name__ == "__main__":
    unittest.main()
