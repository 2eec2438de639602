"""look.py and files that are no checkpoint, or a damaged, newer or hostile one: one line, exit code 2."""

import os
import random
import shutil
import unittest

import h5py
import numpy as np

from look_support import LookTest
from program import reseal

from microgpt_tools.errors import UserError
from microgpt_tools.look.checkpoint import read_checkpoint


def replace(file, name, values, **options):
    del file[name]
    file.create_dataset(name, data=values, **options)


def link_elsewhere(file, name, target):
    file.move(name, target)
    file[name] = h5py.SoftLink(f"/{target}")


def set_characters(codes):
    return lambda file: file["tokenizer/code_points"].write_direct(codes)


def edit_config(file, old, new):
    text = file.attrs["config"]
    assert old in text
    file.attrs.create("config", text.replace(old, new), dtype=h5py.string_dtype())


# What a sealed file may hold all the same, and a word of what look.py says about it.
HOSTILE = {
    "later version": (lambda file: file.attrs.modify("format_version", 2), "format_version 2"),
    "version 0": (lambda file: file.attrs.modify("format_version", 0), "format_version is 0"),
    "version text": (lambda file: file.attrs.create("format_version", "1"), "format_version"),
    "two versions": (lambda file: file.attrs.create("format_version", [1, 1]), "format_version"),
    "no version": (lambda file: file.attrs.pop("format_version"), "not one of microgpt's"),
    "other format": (lambda file: file.attrs.create("format", "minigpt"), "format is not"),
    "format is a number": (lambda file: file.attrs.create("format", 1), "format is not text"),
    "no config": (lambda file: file.attrs.pop("config"), "config is missing"),
    "config is a word": (lambda file: file.attrs.create("config", "none"), "config"),
    "config is no YAML": (lambda file: file.attrs.create("config", "{"), "config"),
    "no heads": (lambda file: edit_config(file, "n_head: 4", "n_head: 0"), "n_head"),
    "heads do not divide": (lambda file: edit_config(file, "n_head: 4", "n_head: 3"), "divided by n_head"),
    "text for a number": (lambda file: edit_config(file, "n_layer: 1", "n_layer: one"), "n_layer"),
    "another activation": (lambda file: edit_config(file, "relu_squared", "swish"), "activation"),
    "not a number": (lambda file: edit_config(file, "init_std: 0.02", "init_std: .nan"), "init_std"),
    "too many layers": (lambda file: edit_config(file, "n_layer: 1", "n_layer: 999999999"), "layer1.attn_wq"),
    "wider than stored": (lambda file: edit_config(file, "n_embd: 16", "n_embd: 4000000000"), "/model/wte"),
    "precision": (lambda file: edit_config(file, "float32", "float64"), "/model/wte"),
    "no parameter": (lambda file: file["model"].pop("wpe"), "/model/wpe is missing"),
    "parameter is a group": (lambda file: (file["model"].pop("wpe"), file.create_group("model/wpe")), "wpe"),
    "a parameter is text": (lambda file: replace(file, "model/wpe", "text"), "wpe"),
    "a parameter is short": (lambda file: replace(file, "model/wpe", np.zeros(3, "<f4")), "shape"),
    "infinite": (lambda file: replace(file, "model/wpe", np.full((8, 16), np.inf, "<f4")), "not finite"),
    "compressed": (
        lambda file: replace(file, "model/wpe", np.zeros((8, 16), "<f4"), compression="gzip"),
        "one piece",
    ),
    "a link": (lambda file: link_elsewhere(file, "model/wpe", "elsewhere"), "a link"),
    "rising": (set_characters(np.arange(150, 124, -1, "<u4")), "rising"),
    "surrogate": (set_characters(np.arange(0xD800, 0xD81A, dtype="<u4")), "Unicode"),
    "beyond Unicode": (set_characters(np.arange(2**31, 2**31 + 26, dtype="<u4")), "Unicode"),
    "no characters": (lambda file: replace(file, "tokenizer/code_points", np.zeros(0, "<u4")), "code_points"),
    "no documents": (lambda file: file["data"].attrs.modify("documents", 0), "no documents"),
    "no data": (lambda file: file.pop("data"), "data is missing"),
    "no seal": (lambda file: file.pop("file_sha256"), "file_sha256 is missing"),
    "seal elsewhere": (lambda file: link_elsewhere(file, "file_sha256", "elsewhere"), "a link"),
}  # fmt: skip


class CheckpointTest(LookTest):
    def setUp(self):
        super().setUp()
        self.run_folder = self.train_names().folder
        self.checkpoint = self.run_folder / "step-00000020.h5"

    def refused(self, path):
        """The message that reading a file ends with."""
        with self.assertRaises(UserError) as caught:
            read_checkpoint(path)
        self.assertNotIn("\n", str(caught.exception))
        return str(caught.exception)

    def test_a_run_folder_stands_for_its_latest_checkpoint(self):
        found, latest = read_checkpoint(self.run_folder), read_checkpoint(self.checkpoint)
        self.assertEqual((found.step, found.characters), (20, latest.characters))
        self.assertEqual(found.parameters["wte"].tolist(), latest.parameters["wte"].tolist())

    def test_what_is_no_checkpoint(self):
        (self.folder / "empty-run").mkdir()
        os.mkfifo(self.folder / "pipe")
        with h5py.File(self.folder / "foreign-old.h5", "w") as file:
            file["numbers"] = [1, 2]
        with h5py.File(self.folder / "foreign.h5", "w", libver=("v110", "v110")) as file:
            file["numbers"] = [1, 2]
        content = self.checkpoint.read_bytes()
        cases = {
            self.folder / "none.h5": "no such checkpoint",
            self.folder / "empty-run": "no latest.h5",
            self.folder / "pipe": "not a regular file",
            self.folder / "foreign-old.h5": "not as microgpt writes one",
            self.folder / "foreign.h5": "not one of microgpt's",
            self.run_folder / "config.cfg": "does not begin as an HDF5 file",
            self.write("empty.h5", ""): "does not begin as an HDF5 file",
            self.write("beginning.h5", content[:20]): "not as microgpt writes one",
            self.write("half.h5", content[: len(content) // 2]): "should have",
            self.write("more.h5", content + b"\0"): "should have",
        }
        for path, words in cases.items():
            with self.subTest(path.name):
                self.assert_refused(self.look(path), path, words)
        self.assertEqual(list(self.folder.rglob("*.png")), [])

    def test_a_changed_byte_anywhere(self):
        content = self.checkpoint.read_bytes()
        stream = random.Random(1)
        for place in [*range(0, 400, 7), *(stream.randrange(len(content)) for _ in range(200))]:
            changed = bytearray(content)
            changed[place] ^= 1 << stream.randrange(8)
            with self.subTest(place=place):
                self.refused(self.write("changed.h5", bytes(changed)))

    def test_a_sealed_file_that_makes_no_sense(self):
        path = self.folder / "hostile.h5"
        for name, (edit, words) in HOSTILE.items():
            with self.subTest(name):
                shutil.copyfile(self.checkpoint, path)
                with h5py.File(path, "r+", libver=("v110", "v110")) as file:
                    edit(file)
                if "seal" not in name:
                    reseal(path)
                self.assertIn(words, self.refused(path))

    def test_the_seal_of_an_unchanged_file(self):
        """So that the tests above refuse a file for what it says, and for nothing else."""
        path = self.folder / "same.h5"
        shutil.copyfile(self.checkpoint, path)
        with h5py.File(path, "r+", libver=("v110", "v110")) as file:
            file.attrs.modify("step", 21)
        self.assertIn("not those that were written", self.refused(path))
        reseal(path)
        self.assertEqual(read_checkpoint(path).step, 21)


if __name__ == "__main__":
    unittest.main()
