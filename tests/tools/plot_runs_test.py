"""plot.py RUN_DIR…: the pictures of runs, and the arrays, labels and limits they are made of."""

import json
import math
import os
import sys
import unittest
from pathlib import Path

import numpy as np

from plot_support import PLOT, ROOT, PlotTest, curve, texts
from program import NAMES, snapshot

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


class PictureTest(PlotTest):
    def test_one_run(self):
        run = self.training("run")
        self.assertEqual(self.plotted("run"), [run / "curves.png", run / "curves.svg"])
        self.assert_is_picture(run / "curves.png")
        found = texts(run / "curves.svg")
        for text in ("run", "loss (nats)", "step", "documents", "time (s)", "learning rate", "tokens/s",
                     "training, each logged step", "training, mean over a twentieth of the run",
                     "validation"):  # fmt: skip
            self.assertIn(text, found)

    def test_the_curves_are_those_of_the_metrics(self):
        run = self.training("run")
        self.plotted("run", "--out", "picture")
        metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        val_losses = [line["val_loss"] for line in metrics if "val_loss" in line]
        for axis in ("step", "documents", "seconds"):
            points = curve(self.folder / "picture.svg", f"val_loss-{axis}-0")
            self.assert_on_one_line([y for _, y in points], val_losses)
        x = [line["seconds"] for line in metrics if "val_loss" in line]
        self.assert_on_one_line([x for x, _ in points], x)
        steps = curve(self.folder / "picture.svg", "learning_rate-step-0")
        self.assert_on_one_line([y for _, y in steps], [line["lr"] for line in metrics])

    def assert_on_one_line(self, places, values):
        """The places on the picture are a linear image of the values."""
        self.assertEqual(len(places), len(values))
        slope, start = np.polyfit(values, places, 1)
        self.assertNotEqual(slope, 0)
        np.testing.assert_allclose(np.polyval((slope, start), values), places, atol=0.01)

    def test_several_runs(self):
        self.training("slow", learning_rate=0.003)
        self.training("fast", learning_rate=0.02)
        paths = self.plotted("slow", "fast", "slow", self.folder / "fast")  # each is drawn once
        self.assertEqual(paths, [self.folder / "curves.png", self.folder / "curves.svg"])
        found = texts(paths[1])
        self.assertEqual([text for text in found if "learning_rate=" in text],
                         ["slow · learning_rate=0.003", "fast · learning_rate=0.02"])  # fmt: skip
        for number in (0, 1):
            self.assertEqual(len(curve(paths[1], f"loss-step-{number}")), 40)

    def test_by_one_axis(self):
        self.training("run", batch_size=4)
        for axis, label in (("step", "step"), ("documents", "documents"), ("seconds", "time (s)")):
            with self.subTest(axis=axis):
                _, svg = self.plotted("run", "--by", axis, "--smooth", 9, "--out", axis)
                found = texts(svg)
                self.assertEqual(
                    [text for text in found if text in ("step", "documents", "time (s)")], [label] * 3
                )
                self.assertIn("training, mean over 9 steps", found)

    def test_a_run_with_one_step_and_nothing_held_out(self):
        self.training("run", num_steps=1, validation_fraction=0)
        png, svg = self.plotted("run")
        self.assert_is_picture(png)
        self.assertNotIn("validation", texts(svg))

    def test_a_run_in_progress(self):
        run = self.training("run")
        for name in ("latest.h5", "best.h5"):
            (run / name).unlink()
        lines = (run / "metrics.jsonl").read_bytes()
        (run / "metrics.jsonl").write_bytes(lines[: len(lines) * 2 // 3])  # the last line is half written
        _, svg = self.plotted("run")
        self.assertIn(len(curve(svg, "loss-step-0")), range(24, 30))

    def test_a_run_that_has_logged_nothing_is_no_obstacle_to_others(self):
        run = self.training("run")
        self.write("new/config.cfg", (run / "config.cfg").read_bytes())
        self.write("new/metrics.jsonl", "")
        output = self.plot("run", "new", "--html", "page.html", "--out", "picture")
        self.assertEqual(
            (output.exit_code, output.err), (0, "plot.py: new: the run has logged no step yet\n")
        )
        self.assertIn("new", texts(self.folder / "picture.svg"))
        self.assert_refused(self.plot("new"), "new", "no step yet")

    def test_a_resumed_run_and_null_values(self):
        run = self.training("run")
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for line in lines[:9]:
            del line["seconds"], line["tokens_per_second"]  # as of a run that went on in another folder
        lines[5]["loss"] = None
        (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        _, svg = self.plotted("run")
        self.assertEqual(len(curve(svg, "loss-step-0")), 39)
        self.assertEqual(len(curve(svg, "loss-seconds-0")), 31)

    def test_the_same_runs_give_the_same_bytes(self):
        self.training("run")
        for name in ("one", "two"):
            self.plotted("run", "--out", name)
        for suffix in ("png", "svg"):
            self.assert_same_bytes(self.folder / f"one.{suffix}", self.folder / f"two.{suffix}")

    def test_many_runs(self):
        run = self.training("run", num_steps=12)
        names = []
        for number in range(40):
            name = f"run-{number:02}"
            self.write(f"{name}/config.cfg", (run / "config.cfg").read_text() + f"note: {number}\n")
            self.write(f"{name}/metrics.jsonl", (run / "metrics.jsonl").read_bytes())
            names.append(name)
        png, svg = self.plotted(*names)
        self.assert_is_picture(png)
        found = texts(svg)
        for number, name in enumerate(names):
            self.assertIn(f"{name} · note={number}", found)

    def test_any_name(self):
        names = ["_hidden", "<script>", "$x$ & \"'", "ünï 名", os.fsdecode(b"bytes\xff\n")]
        for name in names:
            self.training(name, num_steps=3)
        _, svg = self.plotted(*names)
        found = texts(svg)
        for name in names:
            self.assertIn(printable(name), found)

    def test_names_of_pictures(self):
        self.training("run")
        (self.folder / "deep").mkdir()
        for out, stem in (("a", "a"), ("lr-0.01", "lr-0.01"), ("b.png", "b"), ("deep/c.svg", "deep/c")):
            self.assertEqual(
                self.plotted("run", "--out", out), [self.folder / f"{stem}.png", self.folder / f"{stem}.svg"]
            )


class UsageTest(PlotTest):
    def test_help(self):
        output = self.plot("--help")
        self.assertEqual((output.exit_code, output.err), (0, ""))
        for word in ("examples:", "--by", "--smooth", "--html", "tools/plot.py runs/small-1 "):
            self.assertIn(word, output.out)

    def test_bad_usage(self):
        self.training("run")
        before = snapshot(self.folder)
        for arguments, words in (
            (["gone"], ["gone", "no such folder"]),
            (["run.cfg"], ["run.cfg", "not a folder"]),
            (["."], ["no config.cfg"]),
            (["run", "--smooth", 0], ["--smooth 0"]),
            (["run", "--out", "gone/x"], ["--out gone/x", "no folder gone"]),
            (["run", "--out", "run"], ["--out run", "is a folder"]),
            (["run", "--html", "run/latest.h5"], ["latest.h5", ".html"]),
            (["run", "--html", "gone/x.html"], ["no folder gone"]),
            (["run", "--program", "gone"], ["--program gone", "--html"]),
        ):
            with self.subTest(arguments=arguments):
                self.assert_refused(self.plot(*arguments), *words)
        for arguments in ([], ["run", "--by", "days"], ["run", "--smooth", "x"], ["run", "--bogus"]):
            with self.subTest(arguments=arguments):
                output = self.plot(*arguments)
                self.assertEqual(output.exit_code, 2)
                self.assertIn("plot.py: error:", output.err)
        self.assertEqual(snapshot(self.folder), before)

    def test_bad_folders(self):
        config = (self.training("run") / "config.cfg").read_text()
        line = '{"step": 1, "loss": 3.0}\n'
        for number, (config, metrics, words) in enumerate(
            (
                (config, line + "hello\n", ["metrics.jsonl:2", "not JSON"]),
                (config, line + "3\n", ["metrics.jsonl:2", "not a line of metrics"]),
                (config, line + '{"step": 2, "loss": "x"}\n', ["metrics.jsonl:2", "loss is not a number"]),
                (config, line + '{"step": 2, "val_loss": 1e999}\n', ["metrics.jsonl:2", "val_loss"]),
                (config, line + f'{{"step": {10**400}}}\n', ["metrics.jsonl:2", "step"]),
                (config, line + '{"loss": 2}\n', ["metrics.jsonl:2", "step is not a number"]),
                (config, line + line, ["metrics.jsonl", "do not increase"]),
                (config, b"\xff\n", ["metrics.jsonl"]),
                (config, None, ["no metrics.jsonl"]),
                (
                    config.replace("batch_size: 8", "batch_size: x"),
                    line,
                    ["config.cfg", "batch_size", "not x"],
                ),
                (": [", line, ["config.cfg"]),
                ("text", line, ["config.cfg"]),
            )
        ):
            with self.subTest(words=words):
                name = f"bad-{number}"
                self.write(f"{name}/config.cfg", config)
                if metrics is not None:
                    self.write(f"{name}/metrics.jsonl", metrics)
                self.assert_refused(self.plot(name), name, *words)

    def test_a_former_picture_outlives_a_failure(self):
        self.training("run")
        (self.folder / "picture.png").mkdir()  # cannot be replaced by a file
        self.write("picture.svg", "a former one")
        before = snapshot(self.folder)
        self.assert_refused(self.plot("run", "--out", "picture"), "picture.png: cannot be written")
        self.assertEqual(snapshot(self.folder), before)

    def test_ctrl_c(self):
        run = self.training("run")
        (run / "metrics.jsonl").unlink()
        output = self.interrupt_when_reading(run / "metrics.jsonl", "run")
        self.assertEqual((output.exit_code, output.out, output.err), (130, "", ""))

    def test_missing_packages(self):
        run = self.training("run")
        # -S: without Debian's packages, as if none were installed
        output = self.microgpt("-S", PLOT, run, program="/usr/bin/python3")
        self.assert_refused(output, "python3-numpy", "python3-matplotlib", "run.sh --tools")


if __name__ == "__main__":
    unittest.main()
