"""Everything wrong with what the user gives: one line on stderr that names it, exit code 2, nothing touched."""

import os
import shlex
import unittest

from program import NAMES, ProgramTest, snapshot

CONFIG = "dataset: names.txt\nnum_steps: 3\nbatch_size: 2\n"  # what is wrong comes behind, in line 4

USAGE = {
    "": "--config --resume --help",
    "frobnicate": "frobnicate train generate evaluate info",
    "--config": "config",
    "--config good.cfg --resume former": "--config --resume",
    "--confg good.cfg": "confg --help",
    "-x": "x",
    "train good.cfg": "good.cfg train",
    "--config good.cfg extra": "extra",
    "train": "--config --resume",
    "--config ''": "--config empty",
    "--config good.cfg --out ''": "--out empty",
    "--config missing.cfg": "missing.cfg",
    "--config folder/missing.cfg": "folder/missing.cfg",
    "--config folder": "folder",
    "--config former/latest.h5": "former/latest.h5",
    "--config good.cfg --threads 0": "--threads 0 4096",
    "--config good.cfg --threads -1": "--threads -1",
    "--config good.cfg --threads 4097": "--threads 4097 4096",
    "--config good.cfg --threads 99999999999999999999": "--threads",
    "--config good.cfg --threads abc": "--threads abc",
    "--config good.cfg --threads 2.5": "--threads 2.5",
    "--config good.cfg --threads 2x": "--threads 2x",
    "--config good.cfg --threads": "threads",
    "--config good.cfg --set": "set",
    "--config good.cfg --set num_steps": "num_steps KEY=VALUE",
    "--config good.cfg --set =3": "=3 KEY=VALUE",
    "--config good.cfg --set num_stepps=3": "num_stepps num_steps",
    "--config good.cfg --set num_steps=": "num_steps",
    "--config good.cfg --set num_steps=many": "--set num_steps many",
    "--config good.cfg --set num_steps=0": "--set num_steps 0",
    "--config good.cfg --set precision=float16": "--set precision float16 float32 float64",
    "--config good.cfg --set n_head=3": "n_head 3 n_embd 16 --set",
    "--config good.cfg --set dataset=missing.txt": "missing.txt",
    "--config good.cfg --print-config --set n_head=3": "n_head",
    "generate": "--checkpoint",
    "generate --checkpoint former -n 0": "-n 0",
    "generate --checkpoint former -n x": "-n x",
    "--config good.cfg --quiet=false": "--quiet value",
    "--config good.cfg --set num_steps=4 --set num_epochs=1": "num_steps num_epochs --set",
    "generate --checkpoint former --temperature 0": "--temperature 0",
    "generate --checkpoint former --temperature -1": "--temperature -1",
    "generate --checkpoint former --temperature nan": "--temperature nan",
    "generate --checkpoint former --temperature inf": "--temperature inf",
    "generate --checkpoint former --temperature hot": "--temperature hot",
    "generate --checkpoint former --length 0": "--length 0",
    "generate --checkpoint former --seed -1": "--seed -1",
    "generate --checkpoint former --seed 1e3": "--seed 1e3",
    "generate --checkpoint former --prompt anna?": "--prompt ?",
    "generate --checkpoint former --prompt 'a b'": "--prompt U+0020",
    "generate --checkpoint former --prompt 😀": "--prompt U+1F600",
    "generate --checkpoint former --threads 2": "threads",
    "evaluate": "--checkpoint",
    "evaluate --checkpoint former": "--data",
    "evaluate --data names.txt": "--checkpoint",
    "evaluate --checkpoint former --data missing.txt": "missing.txt",
    "evaluate --checkpoint former --data names.txt --threads 0": "--threads 0",
    "info": "info",
    "info former names.txt": "names.txt",
    "info missing": "missing",
    "--resume missing": "missing",
    "--resume former --config": "config",
}

LINES = {
    "n_layers: 2": "n_layers n_layer",
    "learnig_rate: 2": "learnig_rate learning_rate",
    "num_steps: 4": "num_steps twice :2",
    "num_epochs: 4": "num_epochs num_steps :2",
    "seed:": "seed",
    "seed: [1]": "seed",
    "seed: {a: 1}": "seed",
    "seed: 1.5": "seed 1.5",
    "seed: -1": "seed -1",
    "seed: 9223372036854775808": "seed 9223372036854775808",
    'seed: "1"': "seed",
    "documents: words": "documents words lines text",
    "validation_fraction: 1": "validation_fraction 1",
    "validation_fraction: -0.1": "validation_fraction -0.1",
    "validation_fraction: ten": "validation_fraction ten",
    "n_layer: 0": "n_layer 0",
    "n_embd: many": "n_embd many",
    "n_head: 0": "n_head 0",
    "n_head: 5": "n_head 5 n_embd 16",
    "block_size: 0": "block_size 0",
    "activation: tanh": "activation tanh relu_squared gelu",
    "init_std: -1": "init_std -1",
    "init_std: nan": "init_std nan",
    "zero_init_residual: maybe": "zero_init_residual maybe true false",
    "learning_rate: 0": "learning_rate 0",
    "learning_rate: inf": "learning_rate inf",
    "learning_rate: 1e-999": "learning_rate 1e-999",
    "lr_schedule: step": "lr_schedule step cosine linear constant",
    "warmup_steps: -1": "warmup_steps -1",
    "beta1: 1": "beta1 1",
    "beta2: 1.5": "beta2 1.5",
    "eps_adam: 0": "eps_adam 0",
    "weight_decay: -1": "weight_decay -1",
    "grad_clip: -1": "grad_clip -1",
    "precision: double": "precision double float32 float64",
    "log_every: 0": "log_every 0",
    "log_every: epoch": "log_every epoch auto",
    "eval_every: auto": "eval_every auto epoch",
    "checkpoint_every: never": "checkpoint_every never epoch",
    "keep_checkpoints: -1": "keep_checkpoints -1",
    "early_stop_patience: 3": "early_stop_patience 3 validation_fraction",
    "num_samples: -1": "num_samples -1",
    "temperature: 0": "temperature 0",
    "- a list": "",
    "no key": "",
    "seed: 'open": "",
    "\tseed: 1": "",
    "---\nseed: 1": "",
}

DATASETS = {
    b"": "",
    b" \n\r\n\t\n": "",
    b"anna\nbob\ncar\xffla\n": ":3 UTF-8 0xff",
    b"anna\r\nbob\r\n\xc3(\r\n": ":3 UTF-8",
    b"anna\rbob\rcar\xff\r": ":3 UTF-8",
    b"anna\n\xed\xa0\x80\n": ":2 UTF-8",  # a surrogate
    b"anna\nb\xc0\xaf\n": ":2 UTF-8",  # longer than it need be
    b"\xff\xfea\x00b\x00\n\x00": ":1 UTF-8",  # UTF-16
    b"\x89HDF\r\n\x1a\n\x00\x00": ":1 UTF-8",
}

UNKNOWN = {
    "anna\nbob\nkarl!\n": ":3 ! U+0021",
    "anna\r\nbob\r\n\r\nkarl żuk\r\n": ":4 U+0020",
    "anna\rżuk\r": ":2 ż U+017C",
    "anna\n😀": ":2 😀 U+1F600",
    "annaannaannaanna?": ":1 ? U+003F",  # behind the block_size characters that are read
}


class ErrorsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.write("names.txt", "\n".join(names[::1000]))
        self.write("good.cfg", CONFIG)
        (self.folder / "folder").mkdir()
        self.train("former", dataset="names.txt", num_steps=3)

    def check(self, arguments, words, exit_code=2, **options):
        with self.subTest(arguments):
            before = snapshot(self.folder)
            output = self.microgpt(*shlex.split(arguments), **options)
            self.assert_one_error(output, exit_code, *words.split())
            self.assertEqual(output.out, "")
            self.assertEqual(snapshot(self.folder), before)

    def test_usage(self):
        for arguments, words in USAGE.items():
            self.check(arguments, words)

    def test_an_option_is_named_as_it_was_given(self):
        output = self.microgpt("generate", "--checkpoint", "former", "-n", "0")
        self.assertIn("error: -n 0: must be", output.err)

    def test_config(self):
        for line, words in LINES.items():
            self.write("bad.cfg", f"{CONFIG}{line}\n")
            self.check("--config bad.cfg", f"bad.cfg:4 {words}")
        self.write("bad.cfg", "num_steps: 3\n")
        self.check("--config bad.cfg", "dataset --set")
        self.write("bad.cfg", CONFIG.encode() + b"# gr\xfc\xdfe\n")
        self.check("--config bad.cfg", "bad.cfg:4 UTF-8")

    def test_an_empty_config_names_no_dataset(self):
        for content in ("", "# nothing\n", "\n\n"):
            self.write("bad.cfg", content)
            self.check("--config bad.cfg", "dataset")

    def test_dataset(self):
        self.check("--config good.cfg --set dataset=folder", "folder")
        for content, words in DATASETS.items():
            self.write("bad.txt", content)
            self.check("--config good.cfg --set dataset=bad.txt", f"bad.txt{words}")
            self.check("evaluate --checkpoint former --data bad.txt", f"bad.txt{words}")

    def test_characters_that_the_model_does_not_know(self):
        for content, words in UNKNOWN.items():
            self.write("data.txt", content)
            self.check("evaluate --checkpoint former --data data.txt", f"data.txt{words}")

    def test_a_prompt_that_is_not_text(self):
        with self.subTest("--prompt"):
            output = self.microgpt("generate", "--checkpoint", "former", "--prompt", os.fsdecode(b"an\xff"))
            self.assert_one_error(output, 2, "--prompt", "UTF-8")

    def test_a_model_that_no_memory_can_hold(self):
        self.check("--config good.cfg --set n_layer=1000 --set n_embd=65536", "memory n_embd")


if __name__ == "__main__":
    unittest.main()
