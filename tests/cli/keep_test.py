"""Which checkpoints are written and kept, what the links point to, and when training stops early."""

import os
import unittest

from program import ProgramTest, read_history

# Learnt by heart in no time: what is held out is guessed ever worse after the first steps.
SETTINGS = {
    "dataset": "words.txt",
    "validation_fraction": 0.3,
    "num_steps": 40,
    "batch_size": 4,
    "learning_rate": 0.02,
    "eval_every": 2,
    "checkpoint_every": 5,
}


class KeepTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("words.txt", "\n".join("anna bob carla dora emil fritz gina hans ida jo".split()))

    def links(self, run):
        return {path.stem: os.readlink(path) for path in run.folder.iterdir() if path.is_symlink()}

    def best(self, run):
        history = read_history(run.checkpoint())
        return min(zip(history["val_loss"], history["val_step"]))[1]

    def test_periods_bests_and_the_end(self):
        run = self.train("run", **SETTINGS | {"num_steps": 38})
        history, lowest, expected = read_history(run.checkpoint()), float("inf"), {*range(5, 38, 5), 38}
        for step, loss in zip(history["val_step"], history["val_loss"]):
            if loss < lowest:
                lowest = loss
                expected.add(step)
        self.assertEqual(set(run.steps()), expected)
        self.assertLess(self.best(run), 38)  # else the links would tell nothing apart
        self.assertEqual(self.links(run), {"latest": "step-00000038.h5", "best": f"step-{self.best(run):08}.h5"})

    def test_the_newest_and_the_best_are_kept(self):
        for keep in (1, 2, 3):
            run = self.train(f"run-{keep}", keep_checkpoints=keep, **SETTINGS)
            newest = range(40, 40 - 5 * keep, -5)
            self.assertEqual(set(run.steps()), {self.best(run), *newest})
            self.assertEqual(self.links(run), {"latest": "step-00000040.h5", "best": f"step-{self.best(run):08}.h5"})

    def test_without_held_out_documents_there_is_no_best(self):
        run = self.train("run", keep_checkpoints=1, **SETTINGS | {"validation_fraction": 0})
        self.assertEqual(run.steps(), [40])
        self.assertEqual(self.links(run), {"latest": "step-00000040.h5"})

    def test_epochs(self):
        """Seven words in steps of four: the passes end in steps 2, 4, 6, 7 of each seven."""
        run = self.train("run", **SETTINGS | {"num_steps": 16, "eval_every": 1000, "checkpoint_every": "epoch"})
        self.assertEqual(run.steps(), [2, 4, 6, 7, 9, 11, 13, 14, 16])

    def test_evaluations_at_the_ends_of_epochs(self):
        run = self.train("run", **SETTINGS | {"num_steps": 15, "eval_every": "epoch", "log_every": 100})
        evaluated = [2, 4, 6, 7, 9, 11, 13, 14, 15]
        self.assertEqual(read_history(run.checkpoint())["val_step"], evaluated)
        self.assertEqual([line["step"] for line in run.metrics()], evaluated)

    def test_early_stopping(self):
        whole = self.train("whole", **SETTINGS)
        for patience in (1, 3):
            run = self.train(f"run-{patience}", early_stop_patience=patience, **SETTINGS)
            self.assertEqual(len(run.output.lines("stopped early")), 1)
            last = self.best(whole) + 2 * patience
            self.assertEqual(run.steps()[-1], last)
            self.assertEqual(run.metrics()[-1]["step"], last)
            self.assertEqual(self.links(run)["latest"], f"step-{last:08}.h5")
            self.assertEqual(self.links(run)["best"], f"step-{self.best(whole):08}.h5")
            self.assertEqual(len(run.output.samples()), 20)
            self.assertEqual(run.output.lines("step"), whole.output.lines("step")[:last])

            again = self.resume(f"run-{patience}")  # there is still no reason to go on
            self.assertEqual(again.steps()[-1], last)
            self.assertEqual(again.output.samples(), run.output.samples())

    def test_more_patience_later(self):
        self.train("run", early_stop_patience=1, **SETTINGS)
        run = self.resume("run", early_stop_patience=0)
        whole = self.train("whole", **SETTINGS)
        self.assert_same_run(run, whole)


if __name__ == "__main__":
    unittest.main()
