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

    def test_an_evaluation_that_a_longer_run_does_not_make(self):
        """The last step of a shorter run is evaluated, but on a resume it is no longer the last."""
        settings = self.settings | {"eval_every": 10, "lr_schedule": "constant"}
        self.train("run", **settings | {"num_steps": 5})
        longer = self.resume("run", num_steps=20)
        self.assertEqual([line["step"] for line in longer.metrics() if "val_loss" in line], [10, 20])
        self.assertEqual(longer.timeless_metrics(), self.train("whole", **settings).timeless_metrics())

    def test_lines_arrive_while_the_run_goes_on(self):
        """On a pipe, and in the file, long before a buffer is full or a checkpoint is written."""
        far = 10**9
        settings = self.settings | {"num_steps": far, "eval_every": far, "checkpoint_every": far, "log_every": 1}
        config = self.write_config("run.cfg", **settings | {"n_embd": 64, "n_layer": 4, "batch_size": 2000})
        process = self.start("--config", config, "--out", "run", "--threads", 1)
        lines = [process.stdout.readline() for _ in range(5)]
        self.assertTrue(lines[0].startswith(b"num docs: 30 "), lines)
        self.assertTrue(lines[4].startswith(b"step    1 / "), lines)
        metrics = self.folder / "run/metrics.jsonl"
        self.wait_until(lambda: metrics.read_bytes().count(b"\n") > 0)
        self.assertLess(metrics.read_bytes().count(b"\n"), 20)
        self.assertEqual(list((self.folder / "run").glob("*.h5")), [])

    def test_time_goes_on(self):
        run = self.train("run", **self.settings)
        run = self.resume("run", num_steps=30)
        seconds = [line["seconds"] for line in run.metrics()]
        self.assertEqual(seconds, sorted(seconds))
        self.assertGreater(seconds[0], 0)
        self.assertTrue(all(0 < line["tokens_per_second"] < math.inf for line in run.metrics()))


if __name__ == "__main__":
    unittest.main()
