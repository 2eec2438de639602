"""Trials that fail are recorded with their error and do not stop the sweep, unless all of them do."""

import unittest

from sweep_support import Sweep, SweepTest

GRID = ("--sampler", "grid", "--jobs", 1)


class FailuresTest(SweepTest):
    def setUp(self):
        super().setUp()
        self.sweep_folder = self.folder / "sweeps" / "tiny"

    def rows(self, state):
        return [row for row in Sweep(self.sweep_folder).table() if row["state"] == state]

    def test_a_loss_that_is_not_finite(self):
        # So large steps that the loss overflows.
        self.succeed("--param", "learning_rate=0.02,1e6", *GRID)
        (failed,) = self.rows("failed")
        self.assertEqual(float(failed["learning_rate"]), 1e6)
        self.assertIn("finite", failed["error"])
        self.assertEqual(failed["value"], "")
        self.assertEqual(len(self.rows("complete")), 1)
        self.assertEqual(Sweep(self.sweep_folder).best()["learning_rate"], 0.02)
        self.assertIn(
            "finite", (self.sweep_folder / failed["run_folders"]).with_suffix(".stderr").read_text()
        )

    def test_a_combination_that_the_program_refuses(self):
        done = self.succeed("--param", "n_embd=8,12", "--param", "n_head=3,4", *GRID)
        (refused,) = self.rows("refused")
        self.assertEqual((refused["n_embd"], refused["n_head"]), ("8", "3"))
        self.assertIn("n_head", refused["error"])
        self.assertIn(refused["error"], done.stdout)
        self.assertEqual(len(self.rows("complete")), 3)
        # Neither is it tried again by the next start.
        self.succeed("--param", "n_embd=8,12", "--param", "n_head=3,4", *GRID)
        self.assertEqual(len(Sweep(self.sweep_folder).trials()), 4)

    def test_a_killed_training_is_tried_once_more(self):
        # Those with 8 die the first time, those with 16 always.
        program = self.program_that(
            f"""
            [[ "$*" == *--print-config* ]] && exec "$MICROGPT_REAL" "$@"
            if [[ "$*" == *n_embd=16* || ( "$*" == *n_embd=8* && ! -e {self.folder}/died ) ]]; then
                touch {self.folder}/died
                kill -KILL $$
            fi
            exec "$MICROGPT_REAL" "$@"
            """
        )
        self.succeed("--param", "n_embd=8,16,24", *GRID, "--program", program)
        self.assertEqual(sorted(row["n_embd"] for row in self.rows("complete")), ["24", "8"])
        self.assertEqual(sorted(row["n_embd"] for row in self.rows("killed")), ["16", "8"])
        (failed,) = self.rows("failed")
        self.assertEqual(failed["n_embd"], "16")
        self.assertIn("signal 9", failed["error"])
        self.assertEqual(len(Sweep(self.sweep_folder).trials()), 5)

    def test_a_sweep_in_which_everything_fails_ends(self):
        program = self.program_that(
            """
            [[ "$*" == *--print-config* ]] && exec "$MICROGPT_REAL" "$@"
            echo "microgpt: error: the disk is full" >&2
            exit 1
            """
        )
        search = ("--param", "learning_rate=log:1e-3:3e-2", "--trials", 1000, "--program", program)
        for _ in range(2):
            done = self.sweep(*search)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(
                done.stderr, r"\Asweep\.py: error: 10 trials in a row failed, .*: the disk is full\n\Z"
            )
        self.assertEqual(self.rows("running"), [])
        self.assertFalse((self.sweep_folder / "best.cfg").exists())
        # Once the disk has room again, the same command goes on.
        self.program_that('exec "$MICROGPT_REAL" "$@"')
        self.succeed(*search[:2], "--trials", 3, *search[4:])
        self.assertEqual(len(Sweep(self.sweep_folder).trials("COMPLETE")), 3)

    def test_a_grid_in_which_everything_fails(self):
        done = self.sweep("--param", "learning_rate=9e5,1e6", *GRID)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Asweep\.py: error: no trial is complete[^\n]*\n\Z")
        self.assertEqual(len(self.rows("failed")), 2)

    def test_failures_between_successes_do_not_add_up(self):
        program = self.program_that(
            """
            [[ "$*" == *--print-config* ]] && exec "$MICROGPT_REAL" "$@"
            [[ "$*" == *warmup_steps=[13]\\ * ]] && { echo "microgpt: error: odd" >&2; exit 1; }
            exec "$MICROGPT_REAL" "$@"
            """
        )
        self.succeed(
            *("--param", "warmup_steps=1,2,3,4", "--param", "batch_size=int:1:6", *GRID),
            *("--pruner", "none", "--program", program),
        )
        self.assertEqual((len(self.rows("failed")), len(self.rows("complete"))), (12, 12))


if __name__ == "__main__":
    unittest.main()
