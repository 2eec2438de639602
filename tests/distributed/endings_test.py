"""However a run ends, all ranks end together, one of them says why, and what was saved stays whole."""

import os
import re
import resource
import signal
import unittest

from ranks import IS_OPEN_MPI, RANKS_PATIENCE, RanksTest, mpirun, rank_processes
from program import NAMES, PROGRAM, Run

SETTINGS = {"dataset": NAMES, "n_embd": 16, "batch_size": 8, "num_steps": 300, "checkpoint_every": 50, "num_samples": 0}
# Without an end, and without a schedule: what has been done when it is stopped is done for good.
ENDLESS = SETTINGS | {"num_steps": 10**12, "lr_schedule": "constant", "log_every": 1, "checkpoint_every": 10**12}


class EndingsTest(RanksTest):
    def start_endless(self, ranks, **settings):
        """A run under way in the folder `run`."""
        config = self.write_config("run.cfg", **ENDLESS | settings)
        launcher = self.start_ranks(ranks, "--config", config, "--out", "run", "--threads", 1, "--quiet")
        self.wait_for_metrics(launcher, 1)
        return launcher

    def wait_for_metrics(self, launcher, lines):
        file = self.folder / "run" / "metrics.jsonl"
        self.wait_until(
            lambda: launcher.poll() is not None or (file.exists() and file.read_bytes().count(b"\n") >= lines), 0.01
        )
        self.assertIsNone(launcher.poll())

    def check_stopped(self, launcher, name, exit_code):
        _, err = launcher.communicate(timeout=RANKS_PATIENCE)
        line = rf"(?m)^microgpt: stopped by {name} after step (\d+); go on with: .*$"
        said = re.findall(line, err.decode())
        self.assertEqual(len(said), 1, err)
        if exit_code:
            self.assertEqual(launcher.returncode, exit_code, err)
        run = Run(self.folder / "run", None)
        self.assertEqual(run.steps(), [int(said[0])])
        self.assertEqual([line["step"] for line in run.metrics()], list(range(1, run.steps()[0] + 1)))
        self.resume_ranks(2, "run", "--set", f"num_steps={run.steps()[0] + 2}")

    def test_a_signal_to_any_rank_stops_all(self):
        for rank, number in ((0, signal.SIGTERM), (2, signal.SIGINT)):
            with self.subTest(rank=rank):
                launcher = self.start_endless(3)
                os.kill(rank_processes(launcher)[rank], number)
                self.check_stopped(launcher, signal.Signals(number).name, 128 + number)
                (self.folder / "run").rename(self.folder / f"run-{rank}")

    def test_a_signal_to_the_launcher(self):
        """Which passes on SIGTERM, whatever it has got; the exit code is its own."""
        launcher = self.start_endless(2)
        launcher.send_signal(signal.SIGINT)
        self.check_stopped(launcher, "SIG(?:INT|TERM)", None)

    def test_a_rank_that_is_killed(self):
        launcher = self.start_endless(3, checkpoint_every=20)
        self.wait_until((self.folder / "run/step-00000040.h5").exists, 0.01)
        os.kill(rank_processes(launcher)[1], signal.SIGKILL)
        launcher.communicate(timeout=60)
        self.assertNotEqual(launcher.returncode, 0)
        run = Run(self.folder / "run", None)
        for step in run.steps():
            self.succeed("info", run.checkpoint(step))
        last = run.steps()[-1]
        self.resume_ranks(2, "run", "--set", f"num_steps={last + 2}")

    def test_a_rank_that_fails_alone(self):
        """Nobody can know of it, so it ends all: here it gets no memory for its first evaluation."""
        launcher = self.start_endless(2, validation_fraction=0.9, batch_size=2000, eval_every=300)
        resource.prlimit(rank_processes(launcher)[1], resource.RLIMIT_AS, (1 << 20, 1 << 20))
        _, err = launcher.communicate(timeout=RANKS_PATIENCE)
        self.assertNotEqual(launcher.returncode, 0)
        self.assertRegex(err.decode(), r"(?m)^microgpt: error: rank 1 on \S+: not enough memory")

    def test_a_loss_that_is_not_finite(self):
        for width in (16, 64):
            settings = SETTINGS | {"n_embd": width, "learning_rate": 1e6, "checkpoint_every": 1}
            config = self.write_config("run.cfg", **settings)
            output = self.launch(3, "--config", config, "--out", f"run-{width}", "--quiet")
            self.assert_one_line(output, 1, "not finite", "learning_rate", "step-0000000")

    @unittest.skipUnless(IS_OPEN_MPI, "MPICH keeps its shared memory in a file, which would be too large, too")
    def test_a_disk_that_is_full(self):
        """Only the first rank writes; here it may not write more than the first checkpoints take."""
        names = self.write("few.txt", "\n".join(NAMES.read_text(encoding="utf-8").split()[::500]))
        settings = SETTINGS | {"dataset": names, "log_every": 1}
        whole = self.train("whole", **settings)
        room = whole.checkpoint(100).stat().st_size
        script = f'ulimit -f {room // 512 + 1}; exec "$@"'
        output = self.launch_command(
            [*mpirun(2), "sh", "-c", script, "rank", PROGRAM, "--config", "whole.cfg", "--out", "run", "--quiet"]
        )
        self.assert_one_line(output, 1, "newest checkpoint", "run/step-")
        run = Run(self.folder / "run", output)
        self.assertGreater(run.steps(), [])
        for step in run.steps():
            self.assert_same_bytes(run.checkpoint(step), whole.checkpoint(step))
        self.assert_same_run(self.resume_ranks(3, "run"), whole)

    def test_metrics_that_cannot_be_written(self):
        """They are written between checkpoints; the others learn of it with the next step."""
        launcher = self.start_endless(2)
        pid = rank_processes(launcher)[0]
        size = (self.folder / "run/metrics.jsonl").stat().st_size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, size))
        _, err = launcher.communicate(timeout=RANKS_PATIENCE)
        self.assertEqual(launcher.returncode, 1, err)
        self.assertEqual(len(re.findall(rb"microgpt: error: run/metrics.jsonl: ", err)), 1, err)


class ErrorLinesTest(RanksTest):
    def setUp(self):
        super().setUp()
        self.config = self.write_config("run.cfg", **SETTINGS | {"num_steps": 5})

    def check(self, words, *arguments):
        output = self.launch(3, *arguments)
        self.assert_one_line(output, 2, *words)
        self.assertEqual(output.out, "")

    def test_one_line_for_bad_input(self):
        self.check(["bogus"], "--bogus")
        self.check(["nowhere.cfg"], "--config", "nowhere.cfg")
        self.check(["learning_rate"], "--config", self.config, "--set", "learning_rate=-1")
        self.check(["nowhere.txt"], "--config", self.config, "--set", "dataset=nowhere.txt")
        self.check(["needs", "each of 3 processes"], "--config", self.config, "--set", "n_embd=65536")
        self.check(["no such checkpoint"], "--resume", "nowhere")

    def test_a_folder_that_is_taken(self):
        self.train("taken", **SETTINGS | {"num_steps": 2})
        self.check(["taken", "--overwrite"], "--config", self.config, "--out", "taken")

    def test_a_rank_with_other_input(self):
        """As on hosts that do not see the same files."""
        usual = ["--config", self.config, "--out", "run", "--threads", 1]
        output = self.launch_each(usual, [*usual, "--set", "dataset=nowhere.txt"])
        self.assert_one_line(output, 2, "rank 1 on ", "nowhere.txt")
        output = self.launch_each(usual, [*usual, "--set", "learning_rate=0.5"])
        self.assert_one_line(output, 2, "rank 1 on ", "config")
        other = self.write("other.txt", NAMES.read_bytes().replace(b"\n", b"\n\n", 1))
        output = self.launch_each(usual, usual, [*usual, "--set", f"dataset={other}"])
        self.assert_one_line(output, 2, "rank 2 on ", "dataset")
        self.assertFalse((self.folder / "run").exists())
        self.train("former", **SETTINGS | {"checkpoint_every": 100})
        output = self.launch_each(["--resume", "former"], ["--resume", "former/step-00000100.h5"])
        self.assert_one_line(output, 2, "rank 1 on ", "checkpoint")

    def test_a_rank_with_another_past(self):
        """The config, the dataset and the step are the same; the weights, or the place in the dataset, are not."""
        settings = SETTINGS | {"num_steps": 10, "checkpoint_every": 5, "lr_schedule": "constant"}
        self.train("usual", **settings)
        self.train("faster", **settings | {"learning_rate": 0.02})
        self.train("wider", **settings | {"batch_size": 9})
        usual = ["--resume", "usual/step-00000005.h5", "--out", "new"]
        back = ["--set", "learning_rate=0.01", "--set", "batch_size=8"]
        for other, word in (("faster", "model"), ("wider", "checkpoint")):
            output = self.launch_each(usual, ["--resume", f"{other}/step-00000005.h5", "--out", "new", *back])
            self.assert_one_line(output, 2, "rank 1 on ", word)

    def test_verbs_that_one_rank_does(self):
        self.assertEqual(self.launch(3, "--version").out, self.succeed("--version").out)
        self.assertEqual(self.launch(3, "train", "--help").out, self.succeed("train", "--help").out)
        run = self.train("run", **SETTINGS | {"num_steps": 5})
        for arguments in (["info", "run"], ["generate", "--checkpoint", "run"]):
            self.assertEqual(self.launch(2, *arguments).out, self.succeed(*arguments).out)
        printed = self.launch(2, "--config", self.config, "--print-config").out
        self.assertEqual(printed, self.succeed("--config", self.config, "--print-config").out)
        self.assert_one_line(self.launch(2, "info", "nowhere"), 2, "nowhere")
        self.assertEqual(run.steps(), [5])


class LauncherTest(RanksTest):
    def test_a_launcher_of_another_mpi(self):
        """Each process would take itself for the only one, and all train the same run."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMPI_", "PMI"))}
        config = self.write_config("run.cfg", **SETTINGS)
        for launcher in (["PMI_RANK=0", "PMI_SIZE=4"], ["PMIX_RANK=0", "SLURM_STEP_NUM_TASKS=4"]):
            output = self.launch_command(["env", *launcher, PROGRAM, "--config", config], env=environment)
            self.assert_one_line(output, 2, "4 processes", "mpirun")
        # A shell within a job, which is no launcher of this program.
        words = ["env", "SLURM_PROCID=0", "SLURM_NTASKS=4", PROGRAM, "--config", config, "--out", "alone"]
        self.assertEqual(self.launch_command(words, env=environment).exit_code, 0)

    def test_one_rank_alone_behaves_like_none(self):
        run = self.train_ranks(1, "one", **SETTINGS)
        self.assert_same_story(run, self.train("none", **SETTINGS))

    def test_mpi_without_a_launcher(self):
        expected = self.train("none", **SETTINGS)
        # What MPI itself has to say on stderr is its own affair.
        output = self.microgpt("--mpi", "--config", "none.cfg", "--out", "one", "--threads", 1)
        self.assertEqual(output.exit_code, 0, output.err)
        self.assert_same_story(Run(self.folder / "one", output), expected)


if __name__ == "__main__":
    unittest.main()
