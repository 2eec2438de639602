"""A checkpoint as h5py sees it: names, shapes, types, and Python's own random state."""

import hashlib
import math
import random
import unittest

import h5py
import numpy as np

from program import NAMES, ProgramTest, read_history, read_tensors

import microgpt_numpy as reference

WORDS = ["anna", "bob", "zoë", "😀!"]
SETTINGS = {"n_layer": 2, "n_embd": 9, "n_head": 3, "block_size": 5, "batch_size": 5, "num_steps": 7}


class Layout(ProgramTest):
    def setUp(self):
        super().setUp()
        self.dataset = self.write("words.txt", "\n".join(WORDS * 3))

    def train_words(self, **settings):
        return self.train("run", dataset=self.dataset, validation_fraction=0.25, **SETTINGS, **settings)

    def test_groups(self):
        with h5py.File(self.train_words().checkpoint()) as file:
            groups = {name for name, item in file.items() if isinstance(item, h5py.Group)}
        self.assertEqual(groups, {"model", "optimizer", "tokenizer", "data", "random", "history"})

    def test_attributes(self):
        run = self.train_words()
        with h5py.File(run.checkpoint()) as file:
            root, data = dict(file.attrs), dict(file["data"].attrs)
        self.assertEqual((root["format"], root["format_version"]), ("microgpt", 1))
        self.assertEqual((root["step"], root["epoch"]), (7, 3))  # 35 documents, in passes over 9
        self.assertEqual((data["documents"], data["cursor"]), (12, 35))
        for number in (root["format_version"], root["step"], root["epoch"], data["documents"], data["cursor"]):
            self.assertIsInstance(number, np.integer)
        self.assertEqual(root["config"], (run.folder / "config.cfg").read_text(encoding="utf-8"))
        self.assertEqual(data["sha256"], hashlib.sha256(self.dataset.read_bytes()).hexdigest())
        self.assertIn(f"microgpt {root['program_version']} ", self.succeed("--version").out)

    def test_tensors(self):
        shapes = reference.parameter_shapes(reference.Config(**SETTINGS), len(set("".join(WORDS))) + 1)
        for precision, dtype in (("float32", "<f4"), ("float64", "<f8")):
            run = self.train_words(precision=precision)
            for group in ("model", "optimizer/m", "optimizer/v"):
                with self.subTest(precision=precision, group=group):
                    tensors = read_tensors(run.checkpoint(), group)
                    self.assertEqual({name: tensor.shape for name, tensor in tensors.items()}, shapes)
                    self.assertEqual({tensor.dtype for tensor in tensors.values()}, {np.dtype(dtype)})
            run.folder.rename(self.folder / precision)

    def test_code_points(self):
        code_points = read_tensors(self.train_words().checkpoint(), "tokenizer")["code_points"]
        self.assertEqual(code_points.dtype, np.uint32)
        self.assertEqual([chr(code) for code in code_points], sorted(set("".join(WORDS))))

    def test_history_is_what_the_metrics_tell(self):
        run = self.train("run", dataset=NAMES, num_steps=12, validation_fraction=0.01, eval_every=5, log_every=3)
        metrics = run.metrics()
        evaluated = [line for line in metrics if "val_loss" in line]
        self.assertEqual([line["step"] for line in metrics], [3, 5, 6, 9, 10, 12])
        self.assertEqual([line["step"] for line in evaluated], [5, 10, 12])
        self.assertEqual(read_history(run.checkpoint()), {
            "step": [line["step"] for line in metrics],
            "loss": [line["loss"] for line in metrics],
            "val_step": [line["step"] for line in evaluated],
            "val_loss": [line["val_loss"] for line in evaluated],
        })  # fmt: skip


class RandomState(ProgramTest):
    def check(self, block_size):
        words = list("abcdefgh")
        dataset = self.write("words.txt", "\n".join(words))
        run = self.train("run", dataset=dataset, seed=11, **SETTINGS | {"block_size": block_size})
        parameters = sum(tensor.size for tensor in read_tensors(run.checkpoint()).values())

        random.seed(11)
        random.shuffle(words)
        for _ in range(parameters):
            random.gauss(0, 1)
        _, state, gauss_next = random.getstate()
        with h5py.File(run.checkpoint()) as file:
            stored = file["random"]
            self.assertEqual([*stored["mt19937"], stored.attrs["position"]], list(state))
            self.assertEqual(bool(stored.attrs["has_gauss_next"]), gauss_next is not None)
            self.assertEqual(stored.attrs["gauss_next"], gauss_next or 0)
            return gauss_next

    def test_behind_an_even_number_of_parameters(self):
        self.assertIsNone(self.check(block_size=4))

    def test_behind_an_odd_number_of_parameters(self):
        """gauss() makes two numbers at once: one of them is left."""
        self.assertTrue(math.isfinite(self.check(block_size=5)))


if __name__ == "__main__":
    unittest.main()
