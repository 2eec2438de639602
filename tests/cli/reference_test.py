"""Whole runs in float64, held against microgpt in NumPy: losses, val_loss, weights, moments, samples."""

import json
import os
import unittest

import numpy as np

from program import CONFIGS, NAMES, ProgramTest, Run, changes, read_settings, read_tensors

import microgpt_numpy as reference

EXACTLY = {"rtol": 0, "atol": 1e-9}

# Two layers of random weights, so that every gradient flows from the first step on.
DEEP = {"n_layer": 2, "init_std": 0.1, "zero_init_residual": "false", "num_steps": 20, "validation_fraction": 0.1}

SHAPES = {
    "one head": {"n_head": 1, "n_embd": 6},
    "two heads, gelu": {"n_head": 2, "n_embd": 24, "activation": "gelu"},
    "eight heads, relu": {"n_head": 8, "n_embd": 48, "activation": "relu"},
    "eight heads of one number each": {"n_head": 8, "n_embd": 8},
    "three layers": {"n_layer": 3, "batch_size": 3, "zero_init_residual": "true"},
    "no layer's start is zero": {"n_layer": 1, "batch_size": 1, "init_std": 0.3},
    "one position": {"block_size": 1},
    "a block longer than any name": {"block_size": 33},
}

TRAINING = {
    "one name a step": {"batch_size": 1, "num_steps": 60},
    "three names a step": {"batch_size": 3},
    "more names than there are": {"batch_size": 150, "num_steps": 6},
    "linear": {"lr_schedule": "linear", "batch_size": 8},
    "constant": {"lr_schedule": "constant", "learning_rate": 0.003},
    "warmup": {"lr_schedule": "cosine", "warmup_steps": 10},
    "warmup to the end": {"lr_schedule": "linear", "warmup_steps": 100},
    "epochs": {"num_epochs": 2, "num_steps": None, "batch_size": 40},
    "Adam": {"beta1": 0.5, "beta2": 0.7, "eps_adam": 0.001},
    "no momentum": {"beta1": 0, "lr_schedule": "linear"},
    "weight decay": {"weight_decay": 0.3, "warmup_steps": 3},
    "clipped gradients": {"grad_clip": 0.05, "activation": "gelu"},
    "clipped and decayed": {"grad_clip": 1, "weight_decay": 0.1, "batch_size": 40, "num_steps": 15},
    "another seed": {"seed": 0, "temperature": 1.5, "num_samples": 50},
    "a seed of 63 bits": {"seed": 2**63 - 1},
    "half held out": {"validation_fraction": 0.5},
}

LINES = {
    "CRLF": "anna\r\nbob\r\n\r\ncarla\r\n",
    "blank ends, which are stripped": "  anna \t\n\u3000bob\u2003\n \x1f\ncarl a\x0b\n",
    "separators within a line": "an\u2028na\nb\x0cob\ncar\x85la\n",
    "old Mac": "anna\rbob\r\rcarla",
    "accents and astral characters": "zoë\nżółw\n😀 smile\n漢字\n\U0010fffd\uffff\n",
    "a byte order mark": "\ufeffanna\nbob\n",
    "one letter": "a\na\na\n",
}

TEXTS = {
    "plain": ("To be, or not to be,\nthat is the question:\n" * 9, {}),
    "CRLF and blank lines": ("Ein Text.\r\n\r\n\tMit Tab.\r\n" * 8, {"batch_size": 3}),
    "astral": ("naïve 😀 façade… 漢字\n" * 10, {"block_size": 5}),
    "shorter than a window": ("short", {"block_size": 16, "validation_fraction": 0}),
    "clipped": ("abc abd abe\n" * 20, {"grad_clip": 0.5, "weight_decay": 0.1, "activation": "gelu"}),
}


def as_printed(sample):
    """A sample stays on its line: control characters and separators are shown as escapes."""
    unfit = [*range(32), *range(127, 160), *range(0x2028, 0x202F)]
    escapes = {code: f"\\u{code:04x}" for code in unfit} | {10: "\\n", 9: "\\t"}
    return sample.translate(escapes)


class ReferenceTest(ProgramTest):
    def assert_like_reference(self, run, dataset, settings):
        settings = [reference.parse_setting(f"{key}={value}") for key, value in settings.items()]
        expected = reference.run(reference.Config(**dict(settings)), dataset)

        metrics = run.metrics()
        self.assertEqual([line["step"] for line in metrics], list(range(1, len(expected.losses) + 1)))
        np.testing.assert_allclose([line["loss"] for line in metrics], expected.losses, **EXACTLY)
        if expected.val_losses:
            np.testing.assert_allclose(metrics[-1]["val_loss"], expected.val_losses[len(metrics)], **EXACTLY)
        self.assertEqual(run.output.samples(), [as_printed(sample) for sample in expected.samples])

        groups = {"model": expected.parameters, "optimizer/m": expected.m, "optimizer/v": expected.v}
        for group, tensors in groups.items():
            stored = read_tensors(run.checkpoint(), group)
            self.assertEqual(set(stored), set(tensors))
            for name, tensor in tensors.items():
                self.assertEqual(stored[name].dtype, np.float64)
                np.testing.assert_allclose(stored[name], tensor, err_msg=f"{group}/{name}", **EXACTLY)

    def check(self, name, dataset, settings):
        settings = {key: value for key, value in settings.items() if value is not None}
        with self.subTest(name):
            warned = "byte-order mark" if dataset.read_bytes().startswith(b"\xef\xbb\xbf") else ""
            run = self.train(name, dataset=dataset, precision="float64", threads=2, warned=warned, **settings)
            self.assert_like_reference(run, dataset, settings)

    def few_names(self):
        """A hundred, of all lengths and letters."""
        return self.write("few.txt", "\n".join(NAMES.read_text(encoding="utf-8").split()[::251]))

    def test_shipped_configs(self):
        for name in ("microgpt.cfg", "microgpt-2.cfg"):
            with self.subTest(name):
                output = self.succeed("--config", CONFIGS / name, "--out", name, *changes(precision="float64"))
                settings = read_settings((CONFIGS / name).read_text(encoding="utf-8"))
                self.assert_like_reference(Run(self.folder / name, output), NAMES, settings)

    def test_shapes(self):
        for name, settings in SHAPES.items():
            self.check(name, self.few_names(), DEEP | settings)

    def test_training(self):
        for name, settings in TRAINING.items():
            self.check(name, self.few_names(), DEEP | settings)

    def test_lines(self):
        for name, content in LINES.items():
            self.check(name, self.write(f"{name}.txt", content), DEEP | {"batch_size": 2})

    def test_text(self):
        for name, (content, settings) in TEXTS.items():
            dataset = self.write(f"{name}.txt", content)
            self.check(name, dataset, DEEP | {"documents": "text", "num_samples": 3} | settings)

    @unittest.skipUnless(
        "MICROGPT_SEED_RUN" in os.environ and "MICROGPT_NAMES_32K" in os.environ,
        "set MICROGPT_SEED_RUN to a recorded run of microgpt.py and MICROGPT_NAMES_32K to its names",
    )
    def test_recorded_run_of_microgpt_py(self):
        with open(os.environ["MICROGPT_SEED_RUN"], encoding="utf-8") as file:
            recorded = json.load(file)
        settings = recorded["args"] | {"num_samples": recorded["args"]["samples"]}
        settings["zero_init_residual"] = "true" if settings["zero_init_residual"] else "false"
        del settings["names"], settings["samples"]
        run = self.train("run", dataset=os.environ["MICROGPT_NAMES_32K"], precision="float64", **settings)

        losses = [line["loss"] for line in run.metrics()]
        np.testing.assert_allclose(losses, recorded["losses"], **EXACTLY)
        self.assertEqual(run.output.samples(), recorded["samples"])
        sums = {name: tensor.sum() for name, tensor in read_tensors(run.checkpoint()).items()}
        self.assertEqual(set(sums), set(recorded["sums"]))
        for name, total in sums.items():
            np.testing.assert_allclose(total, recorded["sums"][name], err_msg=name, **EXACTLY)


if __name__ == "__main__":
    unittest.main()
