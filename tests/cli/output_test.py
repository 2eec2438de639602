"""What a person sees: result lines on stdout, and on a terminal a live line on stderr."""

import os
import re
import select
import unittest

import h5py

from program import NAMES, ProgramTest, read_history, read_tensors
from terminal import open_terminal

HEADING = ["num docs", "vocab size", "num params", "run folder"]


class OutputTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.settings = {"dataset": self.write("names.txt", "\n".join(names[::300])), "num_steps": 12}

    def test_training(self):
        run = self.train("run", validation_fraction=0.1, eval_every=6, num_samples=11, **self.settings)
        lines = run.output.lines()
        self.assertEqual([line.split(":")[0] for line in lines[:4]], HEADING)
        history = read_history(run.checkpoint())
        steps = [f"step {step:4} /   12 | loss {loss:.4f}" for step, loss in zip(history["step"], history["loss"])]
        steps.insert(6, f"eval    6 /   12 | val_loss {history['val_loss'][0]:.4f}")
        steps.append(f"eval   12 /   12 | val_loss {history['val_loss'][1]:.4f}")
        self.assertEqual(lines[4:18], steps)
        for number, line in enumerate(lines[18:], 1):
            self.assertRegex(line, rf"^sample {number:2}: [a-z]*$")
        self.assertEqual(len(lines), 4 + 14 + 11)

    def test_as_in_the_tutorial(self):
        """To the letter, with a loss that all know beforehand: weights of zero guess evenly."""
        dataset = self.write("abc.txt", "abc\n")
        run = self.train("run", dataset=dataset, init_std=0, num_steps=500, learning_rate=1e-9, num_samples=0,
                         checkpoint_every=1000)  # fmt: skip
        self.assertEqual(run.output.lines("step")[0], "step    1 /  500 | loss 1.3863")
        self.assertEqual(run.output.lines("step")[-1], "step  500 /  500 | loss 1.3863")

    def test_numbers_of_the_heading(self):
        run = self.train("run", validation_fraction=0.1, **self.settings)
        heading = dict(line.split(": ") for line in run.output.lines()[:4])
        tensors = read_tensors(run.checkpoint())
        self.assertEqual(heading["num docs"], "86 (8 of them held out)")
        self.assertEqual(heading["vocab size"], str(len(tensors["wte"])))
        self.assertEqual(heading["num params"], str(sum(tensor.size for tensor in tensors.values())))

    def test_patience_where_nothing_is_held_out(self):
        for patience, warned in ((0, ""), (2, "nothing is held out")):
            settings = self.settings | {"validation_fraction": 0.01, "early_stop_patience": patience}
            run = self.train(f"run-{patience}", warned=warned, **settings)
            self.assertEqual(run.output.lines("eval"), [])

    def test_log_every(self):
        for period, expected in ((5, [5, 10, 12]), (4, [4, 8, 12]), (100, [12]), ("auto", list(range(1, 13)))):
            run = self.train(f"run-{period}", log_every=period, **self.settings)
            self.assertEqual([int(line.split()[1]) for line in run.output.lines("step")], expected)

    def test_a_thousand_lines_at_most_or_so(self):
        run = self.train("run", **self.settings | {"num_steps": 3001, "checkpoint_every": 10**6})
        self.assertEqual([line["step"] for line in run.metrics()], [*range(3, 3001, 3), 3001])

    def test_quiet(self):
        self.assertEqual(self.train("run", "--quiet", **self.settings).output.out, "")
        self.assertEqual(self.resume("run", "--quiet", num_steps=14).output.out, "")

    def test_samples_stay_on_their_lines(self):
        text = self.write("text.txt", "a\n\tb\x1b\n" * 30)
        run = self.train("run", dataset=text, documents="text", num_steps=40, block_size=16, num_samples=20)
        self.assertEqual(len(run.output.samples()), 20)
        self.assertIn(r"\n\tb\u001b\n", "".join(run.output.samples()))
        self.assertNotIn("\x1b", run.output.out)

    def draws_until_three(self, live, columns):
        """What a long training draws on a terminal of that width, until three matches are there."""
        config = self.write_config("run.cfg", **self.settings | {"num_steps": 10**9, "checkpoint_every": 10**9})
        terminal, inside = open_terminal(self, columns)
        process = self.start("--config", config, "--out", f"run-{columns}", "--set", "log_every=100000", stderr=inside)
        os.close(inside)
        seen = bytearray()

        def has_drawn_three():
            if select.select([terminal], [], [], 0)[0]:
                seen.extend(os.read(terminal, 1000))
            return len(re.findall(live, seen)) >= 3

        self.wait_until(has_drawn_three)
        process.terminate()
        out, _ = process.communicate()
        self.assertNotIn(b"tokens/s", out)
        self.assertNotIn(b"\n", seen)  # it is drawn over and over
        return seen.split(b"\r\x1b[K")

    def test_a_live_line_on_a_terminal(self):
        live = rb"step \d+ / 1000000000 \| loss \d\.\d{4} \| \d+ tokens/s \| \d+:\d\d(:\d\d)? left"
        for columns in (0, 120):  # some terminals do not know their width
            self.draws_until_three(live, columns)

    def test_a_live_line_on_a_narrow_terminal(self):
        lines = self.draws_until_three(rb"step \d+ / 1000000000 \| loss", 40)
        self.assertEqual(max(map(len, lines)), 40)

    def test_quiet_on_a_terminal(self):
        config = self.write_config("run.cfg", **self.settings | {"num_steps": 3000, "checkpoint_every": 10**9})
        terminal, inside = open_terminal(self, 0)
        process = self.start("--config", config, "--out", "run", "--quiet", stderr=inside)
        os.close(inside)
        out, _ = process.communicate()
        with self.assertRaises(OSError):  # the end of what was written, with nothing before it
            os.read(terminal, 1000)
        self.assertEqual((process.returncode, out), (0, b""))


class HelpTest(ProgramTest):
    def test_help(self):
        for words in (["--help"], ["-h"], *([verb, "--help"] for verb in ("train", "generate", "evaluate", "info"))):
            with self.subTest(words):
                self.assertIn("Usage:\n  microgpt ", self.succeed(*words).out)

    def test_help_goes_before_all_else(self):
        self.assertIn("Usage:", self.succeed("--config", "missing.cfg", "--help").out)

    def test_options_are_explained(self):
        options = {
            "train": "--config --resume --set --threads --out --overwrite --quiet --print-config",
            "generate": "--checkpoint -n --temperature --prompt --length --seed",
            "evaluate": "--checkpoint --data --threads",
        }
        for verb, names in options.items():
            text = self.succeed(verb, "--help").out
            for name in names.split():
                self.assertRegex(text, rf"\n  {name} ")

    def test_version(self):
        self.assertRegex(self.succeed("--version").out, r"^microgpt \d+\.\d+\.\d+ \(.+\)\n$")


class VerbsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.checkpoint = self.train("run", dataset=NAMES, num_steps=5, validation_fraction=0.01).checkpoint()

    def test_info(self):
        text = self.succeed("info", self.checkpoint).out
        self.assertEqual(text, self.succeed("info", "run").out)
        with h5py.File(self.checkpoint) as file:
            self.assertIn(file.attrs["config"], text)
            self.assertIn(file["data"].attrs["sha256"], text)
            for name, data in file["model"].items():
                self.assertRegex(text, rf"{name} +{data.shape[0]} x {data.shape[1]}\n")
        history = read_history(self.checkpoint)
        for pattern in (
            r"step +5\n",
            rf"loss +{history['loss'][-1]} \(step 5\)\n",
            rf"val_loss +{history['val_loss'][-1]} \(step 5\)\n",
            rf"documents +{len(NAMES.read_text(encoding='utf-8').split())} in the dataset, 40 trained on\n",
        ):
            self.assertRegex(text, "\n" + pattern)
        self.assertIn("4064 of float32", text)

    def test_evaluate(self):
        data = self.write("data.txt", "anna\nbob\n\nmaximilian\n")
        text = self.succeed("evaluate", "--checkpoint", "run", "--data", data).out
        self.assertRegex(text, r"documents: +3\n")
        self.assertRegex(text, r"positions: +17\n")  # 5, 4, and 8 of the 11
        self.assertRegex(text, r"nats per character: +\d\.\d{6}\n")
        self.assertRegex(text, r"bits per character: +\d\.\d{6}\n")

    def test_generate(self):
        lines = self.succeed("generate", "--checkpoint", "run", "-n", 30).lines()
        self.assertEqual(len(lines), 30)
        for line in lines:
            self.assertRegex(line, "^[a-z]*$")


if __name__ == "__main__":
    unittest.main()
