"""Hopeless trials are stopped early, with a checkpoint; the study hears of evaluations up to there."""

import os
import unittest

from sweep_support import Sweep, SweepTest, config_of, metrics, val_losses

HOPELESS = 1e-06  # as a learning rate: nothing is learnt
# A seed of the sampler with which six good trials come first, then hopeless ones.
SEED = 3

# A hopeless training goes on for minutes unless it is stopped.
ENDLESS_IF_HOPELESS = f"""
if [[ "$*" == *learning_rate={HOPELESS!r}* ]]; then
    set -- "$@" --set num_steps=5000000 --set eval_every=500
fi
exec "$MICROGPT_REAL" "$@"
"""


class PruningTest(SweepTest):
    def search(self, *options, trials=9):
        self.succeed(
            *(
                "--param",
                f"learning_rate={HOPELESS!r},0.01",
                "--sampler",
                "random",
                "--seed",
                SEED,
                "--jobs",
                1,
            ),
            *("--program", self.program_that(ENDLESS_IF_HOPELESS), "--trials", trials, *options),
        )
        return Sweep(self.folder / "sweeps" / "tiny")

    def assert_hopeless_ones_were_stopped(self, sweep):
        pruned = sweep.trials("PRUNED")
        self.assertTrue(any(trial.params["learning_rate"] == HOPELESS for trial in pruned))
        self.assertEqual([t for t in sweep.trials("COMPLETE") if t.params["learning_rate"] == HOPELESS], [])
        for trial in pruned:
            run = sweep.run_folder(trial)
            stopped_after = int(os.readlink(run / "latest.h5")[len("step-") : -len(".h5")])
            self.assertGreaterEqual(stopped_after, metrics(run)[-1]["step"])
            self.assertLess(stopped_after, config_of(run)["num_steps"])
        self.assertEqual(len(sweep.trials()), 9)
        self.assertEqual(sweep.best()["learning_rate"], 0.01)

    def test_median(self):
        sweep = self.search()
        self.assertEqual([trial.params["learning_rate"] for trial in sweep.trials()[:6]], [0.01] * 6)
        self.assert_hopeless_ones_were_stopped(sweep)
        for trial in sweep.trials():
            values = val_losses(sweep.run_folder(trial))
            # The first look at the median decides, however far the training comes before it is stopped.
            heard = values if trial.state.name == "COMPLETE" else values[:2]
            self.assertEqual(trial.intermediate_values, dict(enumerate(heard, start=1)))
        self.assertEqual({row["state"] for row in sweep.table()}, {"complete", "pruned"})

    def test_halving(self):
        self.assert_hopeless_ones_were_stopped(self.search("--pruner", "halving"))

    def test_pruning_looks_at_the_first_seed(self):
        sweep = self.search("--seeds", 2)
        self.assert_hopeless_ones_were_stopped(sweep)
        for trial in sweep.trials("PRUNED"):
            self.assertFalse(sweep.run_folder(trial, 1).exists())
        for trial in sweep.trials("COMPLETE"):
            first = val_losses(sweep.run_folder(trial, 0))
            self.assertEqual(trial.intermediate_values, dict(enumerate(first, start=1)))

    def test_evaluations_are_added_only_where_the_config_leaves_them_open(self):
        added = self.search(trials=1)
        self.assertEqual(config_of(added.run_folder(added.trials()[0]))["eval_every"], 4)
        for name, options, expected in (
            ("none", ["--pruner", "none"], "epoch"),
            ("chosen", ["--set", "eval_every=9"], 9),
            ("epoch", ["--set", "eval_every=epoch"], "epoch"),
        ):
            self.search(*options, "--out", name, trials=1)
            sweep = Sweep(self.folder / name)
            self.assertEqual(config_of(sweep.run_folder(sweep.trials()[0]))["eval_every"], expected)


if __name__ == "__main__":
    unittest.main()
