"""A sweep that was stopped goes on where it was: nothing lost, counted twice or left running."""

import os
import shutil
import signal
import subprocess
import unittest

from optuna.trial import TrialState
from sweep_support import (
    PROGRAM,
    Sweep,
    SweepTest,
    kill_hard,
    metrics,
    trainings_below,
    val_losses,
)

SEARCH = ("--param", "learning_rate=log:1e-3:3e-2", "--sampler", "random", "--pruner", "none")


class RestartTest(SweepTest):
    def setUp(self):
        super().setUp()
        self.calls = self.folder / "calls"
        self.program = self.program_that(f'echo "$@" >>{self.calls}\nexec "$MICROGPT_REAL" "$@"')
        self.search = self.search_of(20000)
        self.sweep_folder = self.folder / "sweeps" / "tiny"

    def search_of(self, num_steps):
        """Three trials, long enough to be stopped in the middle."""
        lengths = (
            "--set",
            f"num_steps={num_steps}",
            "--set",
            "checkpoint_every=500",
            "--set",
            "eval_every=5000",
        )
        return (*SEARCH, *lengths, "--jobs", 2, "--trials", 3, "--program", self.program)

    def start_until_it_trains(self):
        process = self.start(*self.search)
        self.wait_until(lambda: len(self.checkpoints()) >= 2, process)
        return process

    def checkpoints(self):
        """The runs that have one."""
        return {path.parent for path in self.sweep_folder.glob("trials/*/*/latest.h5")}

    def assert_all_is_there(self, interrupted):
        """Three configurations finished, each once, those interrupted among them, as if never interrupted."""
        sweep = Sweep(self.sweep_folder)
        finished = sweep.trials("COMPLETE")
        self.assertEqual(len(finished), 3)
        rates = [trial.params["learning_rate"] for trial in finished]
        self.assertEqual(len(set(rates)), 3)
        self.assertEqual(sweep.trials("RUNNING", "WAITING", "PRUNED"), [])
        self.assertLessEqual({trial.params["learning_rate"] for trial in interrupted}, set(rates))
        for trial in finished:
            run = sweep.run_folder(trial)
            self.assertEqual([line["step"] for line in metrics(run)][-1], 20000)
            self.assertEqual(trial.value, min(val_losses(run)))
        again = next(trial for trial in finished if trial.params == interrupted[0].params)
        run = sweep.run_folder(again)
        self.assertEqual(run, sweep.run_folder(interrupted[0]))
        self.assertIn(f"--resume {run}", self.calls.read_text())
        plain = self.folder / "plain"
        subprocess.run([PROGRAM, "--config", run / "config.cfg", "--out", plain, "--quiet"], check=True)
        self.assertEqual(val_losses(plain), val_losses(run))
        states = [row["state"] for row in sweep.table()]
        self.assertEqual(states.count("complete"), 3)
        self.assertEqual(states.count("interrupted"), len(interrupted))

    def stop(self, number, exit_code):
        process = self.start_until_it_trains()
        process.send_signal(number)
        code, _, err = self.end(process)
        self.assertEqual(code, exit_code)
        self.assertRegex(
            err, r"\Asweep\.py: stopped by \w+ with [012] of 3 trials; the same command goes on\n\Z"
        )
        self.assertEqual(trainings_below(self.sweep_folder), [])
        sweep = Sweep(self.sweep_folder)
        self.assertEqual(sweep.trials("RUNNING"), [])
        interrupted = sweep.trials("FAIL")
        self.assertTrue(interrupted)
        self.assertEqual(len(sweep.trials("WAITING")), len(interrupted))
        for trial in interrupted:
            self.assertEqual(trial.user_attrs["failure"], "interrupted")
        self.succeed(*self.search)
        self.assert_all_is_there(interrupted)

    def test_ctrl_c(self):
        self.stop(signal.SIGINT, 130)

    def test_sigterm(self):
        self.stop(signal.SIGTERM, 143)

    def test_sigkill(self):
        # The trainings of the killed sweep take their time over their last checkpoints.
        self.program_that(
            f"""
            echo "$@" >>{self.calls}
            [[ "$*" == *--print-config* ]] && exec "$MICROGPT_REAL" "$@"
            trap 'kill -STOP $training; sleep 8; kill -TERM $training; kill -CONT $training
                wait $training; exit $?' TERM
            "$MICROGPT_REAL" "$@" &
            training=$!
            wait $training
            """
        )
        process = self.start_until_it_trains()
        kill_hard(process)
        interrupted = Sweep(self.sweep_folder).trials("RUNNING")
        self.assertTrue(interrupted)
        self.succeed(*self.search)
        self.assert_all_is_there(interrupted)
        self.assertEqual([row for row in Sweep(self.sweep_folder).table() if row["state"] == "refused"], [])

    def test_no_training_outlives_a_killed_sweep(self):
        self.search = self.search_of(50_000_000)
        process = self.start_until_it_trains()
        self.assertEqual(len(trainings_below(self.sweep_folder)), 2)
        kill_hard(process)
        self.wait_until(lambda: not trainings_below(self.sweep_folder))
        for run in self.checkpoints():
            self.assertLess(os.readlink(run / "latest.h5"), "step-50000000.h5")

    def test_killed_between_the_record_and_the_queue(self):
        self.succeed(*SEARCH, "--trials", 2)
        study = Sweep(self.sweep_folder).study()
        lost = study.ask()
        rate = lost.suggest_float("learning_rate", 1e-3, 3e-2, log=True)
        lost.set_user_attr("failure", "interrupted")
        study.tell(lost, state=TrialState.FAIL)
        for _ in range(2):
            self.succeed(*SEARCH, "--trials", 3)
            finished = Sweep(self.sweep_folder).trials("COMPLETE")
            self.assertEqual([trial.params["learning_rate"] for trial in finished][2:], [rate])
            self.assertEqual(Sweep(self.sweep_folder).trials("WAITING"), [])

    def test_a_finished_sweep_prints_its_result_again_and_more_trials_add_to_it(self):
        first = self.succeed(*SEARCH, "--trials", 2)
        result = [line for line in first.stdout.splitlines() if line.startswith("best: ")]
        self.assertEqual(len(result), 1)
        again = self.succeed(*SEARCH, "--trials", 2)
        self.assertEqual(
            [line for line in again.stdout.splitlines() if line.startswith(("best: ", "trial "))], result
        )
        self.succeed(*SEARCH, "--trials", 5)
        rates = {trial.params["learning_rate"] for trial in Sweep(self.sweep_folder).trials("COMPLETE")}
        # The sampler did not begin its random stream again.
        self.assertEqual(len(rates), 5)

    def test_one_sweep_at_a_time_in_a_folder(self):
        process = self.start_until_it_trains()
        self.assert_refused(self.sweep(*self.search), self.sweep_folder, "another sweep.py")
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process)[0], 143)

    def test_a_reader_that_goes_away_leaves_nothing_running(self):
        process = self.start(*self.search)
        process.stdout.readline()
        process.stdout.close()
        self.wait_until(lambda: process.poll() is not None)
        self.assertEqual(process.returncode, 1)
        self.assertNotIn("Traceback", process.stderr.read())
        self.assertEqual(trainings_below(self.sweep_folder), [])
        process.stdout = open(os.devnull)  # for communicate()
        self.addCleanup(process.stdout.close)


class OtherSweepTest(SweepTest):
    def test_a_folder_keeps_its_sweep(self):
        grid = ("--param", "n_embd=8,16", "--sampler", "grid", "--out", "one")
        self.succeed(*grid)
        before = (self.folder / "one" / "sweep.yml").read_text()
        for words, options in (
            (["param n_embd", "8,24", "8,16"], ("--param", "n_embd=8,24", "--sampler", "grid")),
            (["param n_head"], ("--param", "n_embd=8,16", "--param", "n_head=1,2", "--sampler", "grid")),
            (["sampler"], ("--param", "n_embd=8,16", "--sampler", "random")),
            (["num_steps", "50"], (*grid, "--set", "num_steps=50")),
            (["seeds"], (*grid, "--seeds", "2")),
            (["objective"], (*grid, "--objective", "final")),
        ):
            self.assert_refused(self.sweep(*options, "--out", "one"), "one", *words)
        self.names.write_text("anna\nbob\n" * 30)
        self.assert_refused(self.sweep(*grid), "dataset")
        self.assertEqual((self.folder / "one" / "sweep.yml").read_text(), before)

    def test_a_folder_with_other_things_is_left_alone(self):
        self.write("mine/letter.txt", "dear")
        self.assert_refused(self.sweep("--param", "n_embd=8,16", "--out", "mine"), "mine", "--out")
        self.assertEqual(os.listdir(self.folder / "mine"), ["letter.txt"])

    def test_trials_without_their_study_are_not_overwritten(self):
        grid = ("--param", "n_embd=8,16", "--sampler", "grid", "--out", "one")
        self.succeed(*grid)
        for path in (self.folder / "one").glob("study.db*"):
            path.unlink()
        self.assert_refused(self.sweep(*grid), "one", "study")
        shutil.rmtree(self.folder / "one")
        self.succeed(*grid)

    def test_a_damaged_study(self):
        grid = ("--param", "n_embd=8,16", "--sampler", "grid", "--out", "one")
        self.succeed(*grid)
        self.write("one/study.db", "nonsense " * 1000)
        self.assert_refused(self.sweep(*grid), "study.db")


if __name__ == "__main__":
    unittest.main()
