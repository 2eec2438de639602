"""What goes wrong while a run is under way: it ends with its own error, and what was saved stays whole."""

import resource
import shutil
import subprocess
import unittest

from program import NAMES, ProgramTest, Run, changes, snapshot

SETTINGS = {"dataset": "names.txt", "num_steps": 300, "batch_size": 4, "checkpoint_every": 50, "log_every": 1}


class FailuresTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.write("names.txt", "\n".join(names[::500]))

    def test_a_disk_that_fills_up(self):
        """Checkpoints grow with their history: here is room for four of them, and not for the fifth."""
        whole = self.train("whole", **SETTINGS)
        room = whole.checkpoint(200).stat().st_size

        def fill_the_disk():
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

        output = self.microgpt("--config", "whole.cfg", "--out", "run", preexec_fn=fill_the_disk)
        self.assert_one_error(output, 1, "step-00000250.h5", "newest checkpoint", "run/step-00000200.h5")
        run = Run(self.folder / "run", output)
        self.assertEqual(run.steps(), [50, 100, 150, 200])
        self.assertEqual((run.folder / "latest.h5").resolve(), run.checkpoint())
        self.assertEqual(list(run.folder.glob("*.tmp")), [])
        for step in run.steps():
            self.assert_same_bytes(run.checkpoint(step), whole.checkpoint(step))
        self.assert_same_run(self.resume("run"), whole)

    def test_a_disk_that_is_full_from_the_first(self):
        def fill_the_disk():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        self.train("former", **SETTINGS)
        before = snapshot(self.folder / "former")
        for arguments in (
            ["--config", "former.cfg", "--out", "run"],
            ["--config", "former.cfg", "--out", "former", "--overwrite"],
            ["--resume", "former", *changes(num_steps=400)],
        ):
            output = self.microgpt(*arguments, preexec_fn=fill_the_disk)
            self.assert_one_error(output, 1)
            self.assertEqual(output.out, "")
        self.assertEqual(snapshot(self.folder / "former"), before)

    def test_a_folder_that_vanishes(self):
        config = self.write_config("run.cfg", **SETTINGS | {"num_steps": 10**9})
        process = self.start("--config", config, "--out", "run", "--quiet")
        self.wait_until((self.folder / "run/step-00000050.h5").exists)
        (self.folder / "run").rename(self.folder / "elsewhere")
        _, err = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertRegex(err, rb"\Amicrogpt: error: run[^\n]+\n\Z")
        shutil.move(self.folder / "elsewhere", self.folder / "run")
        self.succeed("info", "run")

    def test_a_loss_that_is_not_finite(self):
        settings = SETTINGS | {"learning_rate": 1e6, "checkpoint_every": 1}
        config = self.write_config("run.cfg", **settings)
        output = self.microgpt("--config", config, "--out", "run")
        run = Run(self.folder / "run", output)
        last = run.steps()[-1]
        self.assert_one_error(output, 1, f"step {last + 1}", "not finite", "learning_rate", run.checkpoint().name)
        self.assertEqual([line["step"] for line in run.metrics()], list(range(1, last + 1)))

        self.assert_one_error(self.microgpt("--resume", "run"), 1, f"step {last + 1}", "not finite")
        # The last lines are there even if no checkpoint came behind them.
        rare = self.microgpt("--config", config, "--out", "rare", *changes(checkpoint_every=10**6))
        self.assert_one_error(rare, 1, f"step {last + 1}", "no checkpoint yet")
        self.assertEqual(Run(self.folder / "rare", rare).timeless_metrics(), run.timeless_metrics())

        earlier = self.resume("run/step-00000001.h5", "--overwrite", learning_rate=0.01, num_steps=9)
        self.assertEqual(earlier.steps()[-1], 9)


    def test_lines_before_an_error_stand_before_it(self):
        config = self.write_config("run.cfg", **SETTINGS | {"learning_rate": 1e6})
        output = self.microgpt("--config", config, "--out", "run", stderr=subprocess.STDOUT)
        self.assertEqual(output.exit_code, 1)
        self.assertGreater(len(output.lines("step")), 0)
        self.assertIn("microgpt: error: ", output.lines()[-1])

    def test_a_val_loss_that_is_not_finite(self):
        settings = SETTINGS | {"learning_rate": 1e6, "weight_decay": 1e6, "validation_fraction": 0.2, "eval_every": 1}
        config = self.write_config("run.cfg", **settings)
        output = self.microgpt("--config", config, "--out", "run")
        self.assert_one_error(output, 1, "step 1", "val_loss", "not finite", "learning_rate")
        run = Run(self.folder / "run", output)
        self.assertEqual((run.steps(), run.metrics()), ([], []))

    def test_a_gradient_whose_square_is_too_large(self):
        """The loss and the gradient are finite, but the second moment of Adam would not be."""
        settings = SETTINGS | {"init_std": 1e6}
        config = self.write_config("run.cfg", **settings)
        self.assert_one_error(self.microgpt("--config", config, "--out", "run"), 1, "step 1: the gradient")
        clipped = ["--config", config, "--out", "clipped", "--set", "num_steps=1", "--set"]
        self.assert_one_error(self.microgpt(*clipped, "grad_clip=1e30"), 1, "step 1: the gradient")
        self.succeed(*clipped, "grad_clip=1")
        self.succeed("--config", config, "--out", "exact", "--set", "precision=float64", "--set", "num_steps=1")

    def test_a_model_whose_logits_are_not_finite(self):
        """Its parameters still are, so there is a checkpoint; but there is nothing to draw from."""
        settings = SETTINGS | {"num_steps": 1, "learning_rate": 1e6, "weight_decay": 1e6}
        config = self.write_config("run.cfg", **settings)
        output = self.microgpt("--config", config, "--out", "run")
        self.assertEqual(output.exit_code, 1)
        self.assertRegex(output.err, r"\Amicrogpt: error: [^\n]*logits are not finite[^\n]*\n\Z")
        self.assertEqual(output.lines("sample"), [])
        run = Run(self.folder / "run", output)
        self.assertEqual(run.steps(), [1])
        self.assert_one_error(self.microgpt("generate", "--checkpoint", "run"), 1, "logits are not finite")
        evaluation = self.microgpt("evaluate", "--checkpoint", "run", "--data", "names.txt")
        self.assert_one_error(evaluation, 1, "run", "names.txt", "not finite")
        self.assertEqual(evaluation.out, "")


if __name__ == "__main__":
    unittest.main()
