"""What plot.py works out before it draws runs: their curves, means and limits, and what they are called."""

import json
import math
import os
import sys
import unittest
from pathlib import Path

import numpy as np

from plot_support import ROOT, PlotTest
from program import NAMES

from microgpt_tools.plot.curves import Curves, loss_limits, read_curves, smoothed, thin
from microgpt_tools.plot.differences import common_keys, differing_keys
from microgpt_tools.plot.labels import labels
from microgpt_tools.plot.printable import printable, shorten


class SmoothingTest(unittest.TestCase):
    def naive(self, steps, values, window):
        """Word by word what the module promises."""
        means = []
        for step in steps:
            reach = min((window - 1) / 2, step - steps[0])
            near = [v for s, v in zip(steps, values) if abs(s - step) <= reach and math.isfinite(v)]
            means.append(sum(near) / len(near) if near else math.nan)
        return means

    def test_is_the_mean_around_each_step(self):
        random = np.random.default_rng(1)
        steps = np.cumsum(random.integers(1, 4, 60)).astype(float)  # not evenly logged
        values = random.normal(2.5, 0.3, 60)
        values[[7, 8, 30]] = math.nan
        for window in (1, 2, 5, 24, 1000):
            with self.subTest(window=window):
                expected = self.naive(steps, values, window)
                np.testing.assert_allclose(smoothed(steps, values, window), expected, rtol=1e-12)

    def test_begins_with_the_loss_itself(self):
        steps = np.arange(1.0, 101)
        values = 2 + 1 / steps
        self.assertEqual(smoothed(steps, values, 31)[0], values[0])

    def test_a_window_of_one_step_changes_nothing(self):
        values = np.array([3.0, 2.0, 4.0])
        np.testing.assert_array_equal(smoothed(np.array([1.0, 2, 3]), values, 1), values)

    def test_nothing_is_nothing(self):
        self.assertEqual(smoothed(np.array([]), np.array([]), 5).size, 0)


class ThinningTest(unittest.TestCase):
    def test_keeps_the_extremes_and_the_ends(self):
        values = np.random.default_rng(2).normal(size=1_000_000)
        values[123_456], values[654_321] = 99, -99
        kept = thin(values, 2000)
        self.assertLessEqual(kept.size, 2002)
        self.assertGreater(kept.size, 1900)
        for index in (0, 123_456, 654_321, 999_999):
            self.assertIn(index, kept)
        self.assertTrue(np.all(np.diff(kept) > 0))

    def test_keeps_all_of_what_is_short(self):
        np.testing.assert_array_equal(thin(np.ones(5), 10), range(5))


class LimitsTest(unittest.TestCase):
    def curves(self, losses, val_losses=()):
        losses = np.array(losses, float)
        validation = np.full(losses.size, math.nan)
        validation[losses.size - len(val_losses) :] = val_losses
        columns = {"step": np.arange(1.0, losses.size + 1), "loss": losses, "smoothed_loss": losses,
                   "val_loss": validation}  # fmt: skip
        return Curves(Path("run"), {}, columns)

    def test_the_fall_from_the_first_loss_does_not_squash_the_rest(self):
        low, high = loss_limits([self.curves([3.3, 2.9, *np.linspace(2.6, 2.4, 200)])])
        self.assertLess(high, 2.8)
        self.assertLess(low, 2.42)

    def test_a_diverging_run_does_not_squash_the_others(self):
        fine = self.curves(np.linspace(3.3, 2.4, 100))
        wild = self.curves(np.linspace(3.3, 90, 100))
        low, high = loss_limits([fine, wild])
        self.assertLess(high, 3.5)
        self.assertLess(low, 2.5)

    def test_the_best_val_loss_is_always_in_sight(self):
        low, _ = loss_limits([self.curves([2.5] * 100, [1.9])])
        self.assertLess(low, 1.9)

    def test_one_loss_has_a_range_around_it(self):
        low, high = loss_limits([self.curves([3.3])])
        self.assertLess(low, 3.3)
        self.assertGreater(high, 3.3)

    def test_without_losses_there_are_no_limits(self):
        self.assertIsNone(loss_limits([self.curves([])]))


class LabelsTest(unittest.TestCase):
    def test_like_folders_are_told_apart_by_what_is_around_them_and_by_their_configs(self):
        paths = ["s/trial-1/seed-42", "s/trial-2/seed-42"]
        configs = [
            {"n_embd": 16, "learning_rate": 0.012345678, "seed": 42},
            {"n_embd": 32, "learning_rate": 0.02},
        ]
        self.assertEqual(
            labels(paths, [configs[0], configs[1] | {"seed": 42}]),
            [
                "trial-1/seed-42 · n_embd=16 learning_rate=0.01235",
                "trial-2/seed-42 · n_embd=32 learning_rate=0.02",
            ],
        )

    def test_equal_configs_add_nothing(self):
        self.assertEqual(labels(["runs/a", "runs/b"], [{"seed": 1}, {"seed": 1}]), ["a", "b"])

    def test_the_keys_that_tell_most_come_first_and_few(self):
        configs = [{"a": 1, "b": 1, "c": 1, "d": number} for number in range(3)]
        configs[0] |= {"a": 0, "b": 0, "c": 0}
        self.assertEqual(labels(["x", "y", "z"], configs)[0], "x · d=0 a=0 b=0 …")

    def test_runs_that_change_one_key_each_show_it(self):
        base = dict.fromkeys("abcdef", 0)
        changed = [base | {key: 1} for key in "abcdef"]
        found = labels([f"run-{number}" for number in range(7)], [base, *changed])
        self.assertEqual(found[0], "run-0 · a=0 b=0 c=0 …")
        self.assertEqual(found[6], "run-6 · f=1 a=0 b=0 …")
        self.assertEqual(len({label.partition(" · ")[2] for label in found}), 7)

    def test_as_many_keys_as_it_takes(self):
        configs = [{key: number >> place & 1 for place, key in enumerate("abcd")} for number in range(16)]
        found = labels([f"run-{number}" for number in range(16)], configs)
        self.assertEqual(found[6], "run-6 · a=0 b=1 c=1 d=0")

    def test_values_that_look_alike_take_no_more_keys(self):
        configs = [{"a": number, "b": 1 / 3 + number * 1e-9, "c": number, "d": number % 2} for number in (1, 2)]
        self.assertEqual(labels(["x", "y"], configs), ["x · a=1 b=0.3333 c=1 …", "y · a=2 b=0.3333 c=2 …"])

    def test_long_names_stay_unlike(self):
        paths = [f"{'x' * 50}{number}{'y' * 50}" for number in range(3)]
        found = labels(paths, [{}] * 3)
        self.assertEqual(len(set(found)), 3)
        self.assertLess(max(map(len, found)), 50)

    def test_a_dataset_is_called_by_its_file(self):
        found = labels(["a", "b"], [{"dataset": "/far/away/one.txt"}, {"dataset": "/far/two.txt"}])
        self.assertEqual(found, ["a · dataset=one.txt", "b · dataset=two.txt"])

    def test_differences(self):
        configs = [{"a": 1, "b": True, "c": None}, {"a": 1, "b": 1, "d": "x"}]
        self.assertEqual(differing_keys(configs), ["b", "d"])
        self.assertEqual(common_keys(configs), ["a", "c"])

    def test_printable(self):
        self.assertEqual(printable("a\n\x1b\x7f\x85\u202e\udcff\uffff😀<"), "a␊␛␡����😀<")
        self.assertEqual(printable("a\n\tb\0", keep="\n\t"), "a\n\tb␀")
        self.assertEqual(shorten("abcdefghij", 5), "ab…ij")


class ReadingTest(PlotTest):
    def test_columns(self):
        run = self.training("run", batch_size=6)
        [curves] = read_curves([run])
        metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual(curves.steps, 40)
        for name, key in (
            ("step", "step"),
            ("loss", "loss"),
            ("learning_rate", "lr"),
            ("seconds", "seconds"),
        ):
            self.assertEqual(curves.columns[name].tolist(), [line[key] for line in metrics])
        self.assertEqual(curves.columns["documents"].tolist(), [6 * line["step"] for line in metrics])
        x, y = curves.series("documents", "val_loss")
        self.assertEqual(x.tolist(), [60, 120, 180, 240])
        self.assertEqual(y.tolist(), [line["val_loss"] for line in metrics if "val_loss" in line])
        [unsmoothed] = read_curves([run], smooth=1)
        np.testing.assert_allclose(unsmoothed.columns["smoothed_loss"], curves.columns["loss"], rtol=1e-12)

    def test_a_long_run_takes_little_memory(self):
        """Its curves take a few numbers a line; as a dictionary a line takes a kilobyte."""
        lines = 200_000
        self.write("run/config.cfg", "batch_size: 8\n")
        step = '{{"step":{0},"epoch":1,"loss":2.5{0},"lr":0.01,"tokens_per_second":1{0}.5,"seconds":{0}.5}}\n'
        self.write("run/metrics.jsonl", "".join(step.format(number) for number in range(1, lines + 1)))
        script = (
            "import resource\nfrom microgpt_tools.plot.curves import read_curves\n"
            "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
            "before = peak()\n[curves] = read_curves(['run'])\nprint(curves.steps, peak() - before)"
        )
        output = self.microgpt("-c", script, program=sys.executable, env=os.environ | {"PYTHONPATH": ROOT / "tools"})
        steps, taken = map(int, output.out.split())
        self.assertEqual(steps, lines)
        self.assertLess(taken, 300 * lines)

    def test_a_batch_for_each_thread(self):
        config = self.write_config("c.cfg", dataset=NAMES, batch_size="threads", num_steps=5)
        self.succeed("--config", config, "--out", "run", "--threads", 3)
        self.assertEqual(
            read_curves([self.folder / "run"])[0].columns["documents"].tolist(), [3, 6, 9, 12, 15]
        )


if __name__ == "__main__":
    unittest.main()
