"""metrics.jsonl: which fields, which numbers, and that each reads back to the last bit."""

import math
import unittest

from program import NAMES, ProgramTest, read_history

import microgpt_numpy as reference

FIELDS = ["step", "epoch", "loss", "lr", "tokens_per_second", "seconds"]


class MetricsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.settings = {
            "dataset": self.write("names.txt", "\n".join(names[:24_000:800])),  # 30 names, 27 to train
            "validation_fraction": 0.1,
            "num_steps": 20,
            "batch_size": 5,
            "eval_every": 6,
        }

    def test_fields(self):
        for line in self.train("run", **self.settings).metrics():
            evaluated = line["step"] in (6, 12, 18, 20)
            self.assertEqual(list(line), FIELDS + ["val_loss"] * evaluated)
            self.assertEqual([type(line[field]) for field in ("step", "epoch")], [int, int])

    def test_losses_to_the_last_bit(self):
        for precision in ("float32", "float64"):
            run = self.train(precision, precision=precision, **self.settings)
            history, metrics = read_history(run.checkpoint()), run.metrics()
            self.assertEqual([line["loss"] for line in metrics], history["loss"])
            self.assertEqual([line["val_loss"] for line in metrics if "val_loss" in line], history["val_loss"])

    def test_learning_rates(self):
        for number, settings in enumerate((
            {},
            {"lr_schedule": "linear", "warmup_steps": 7},
            {"lr_schedule": "constant", "learning_rate": 0.1 + 0.2},
            {"warmup_steps": 1000},
        )):  # fmt: skip
            config = reference.Config(**settings, num_steps=20)
            for line in self.train(f"run-{number}", **self.settings | settings).metrics():
                expected = reference.learning_rate(config, line["step"] - 1, 20)
                self.assertTrue(math.isclose(line["lr"], expected, rel_tol=1e-14, abs_tol=1e-18))

    def test_epochs_are_whole_passes(self):
        for line in self.train("run", **self.settings).metrics():
            self.assertEqual(line["epoch"], line["step"] * 5 // 27)

    def test_time_goes_on(self):
        run = self.train("run", **self.settings)
        run = self.resume("run", num_steps=30)
        seconds = [line["seconds"] for line in run.metrics()]
        self.assertEqual(seconds, sorted(seconds))
        self.assertGreater(seconds[0], 0)
        self.assertTrue(all(0 < line["tokens_per_second"] < math.inf for line in run.metrics()))


if __name__ == "__main__":
    unittest.main()
