"""plot.py RUN_DIR…: the pictures of runs, and what it refuses."""

import json
import os
import unittest

import numpy as np

from plot_support import PLOT, PlotTest, curve, texts
from program import snapshot

from microgpt_tools.plot.printable import printable


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
        self.write("words", "no program at all").chmod(0o755)
        before = snapshot(self.folder)
        for arguments, words in (
            (["gone"], ["gone", "no such folder"]),
            (["x" * 300], ["no such folder"]),
            (["run.cfg"], ["run.cfg", "not a folder"]),
            (["."], ["no config.cfg"]),
            (["run", "--smooth", 0], ["--smooth 0"]),
            (["run", "--out", "run.cfg/x"], ["--out run.cfg/x", "Not a directory"]),
            (["run", "--out", "run"], ["--out run", "is a folder"]),
            (["run", "--out", ""], ["--out: is empty"]),
            (["run", "--out", "x" * 300], ["--out x", "too long"]),
            (["run", "--html", "x" * 300 + ".html"], ["--html x", "too long"]),
            (["run", "--html", "run/latest.h5"], ["latest.h5", ".html"]),
            (["run", "--html", "run.cfg/x.html"], ["--html run.cfg/x.html", "Not a directory"]),
            (["run", "--program", "gone"], ["--program gone", "--html"]),
            (["run", "--html", "page.html", "--program", "gone"], ["gone: no such program", "--program"]),
            (["run", "--html", "page.html", "--program", "/bin/true"], ["/bin/true: is not microgpt"]),
            (["run", "--html", "page.html", "--program", "./run.cfg"], ["run.cfg: no such program"]),
            (["run", "--html", "page.html", "--program", "./words"], ["words: is not microgpt"]),
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
                (config, '{"step": 1, "loss": NaN}\n{"step": 2, "loss": null}\n', ["losses", "finite"]),
                (
                    config.replace("batch_size: 8", "batch_size: x"),
                    line,
                    ["config.cfg", "batch_size", "not x"],
                ),
                ("seed: 1\nx: [", line, ["config.cfg:2: not YAML"]),
                (b"\xff", line, ["config.cfg:1", "UTF-8"]),
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
