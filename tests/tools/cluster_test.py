"""tools/cluster: measure.py runs layouts in turns, predict.py says what its parts say, the scripts are sound."""

import json
import dataclasses
import os
import re
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(os.environ.get("MICROGPT_SOURCE") or Path(__file__).resolve().parents[2])
CLUSTER = ROOT / "tools" / "cluster"
sys.path[:0] = [str(ROOT / "tests" / "cli"), str(ROOT / "tools"), str(CLUSTER)]

from microgpt_tools.program import alone  # noqa: E402
import predict  # noqa: E402
from predict import Job, Network, parameters_of  # noqa: E402
from program import PROGRAM, ProgramTest  # noqa: E402

NETWORK = Network("test", 1e-5, 1e9)
JOB = Job(parameters_of(27, 1, 64, 16), 4, 6400, 1, 1e-6, 0, 1e-4)


def run_script(script, *arguments, **options):
    command = [sys.executable, CLUSTER / script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)


def assert_refused(test, done, script, *words):
    """One line and exit code 2."""
    with test.subTest(done.args[2:]):
        test.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        test.assertRegex(done.stderr, rf"\A{script}: error: [^\n]+\n\Z")
        for word in words:
            test.assertIn(str(word), done.stderr)


class PredictTest(unittest.TestCase):
    def test_the_parameters_are_those_of_the_program(self):
        self.assertEqual(parameters_of(vocab=27, n_layer=1, n_embd=16, block_size=8), 4064)

    def test_one_rank_sends_nothing(self):
        self.assertEqual(JOB.message_seconds(1, NETWORK), 0)
        self.assertAlmostEqual(JOB.step_seconds(1, NETWORK), 6400e-6 + 1e-4)

    def test_ranks_share_the_lanes(self):
        self.assertEqual(JOB.lanes(), 64)
        self.assertAlmostEqual(JOB.compute_seconds(64), 100e-6)
        self.assertEqual(JOB.compute_seconds(1024), JOB.compute_seconds(64))
        self.assertAlmostEqual(JOB.compute_seconds(3), 2200e-6)

    def test_the_lanes_are_those_of_the_program(self):
        source = "".join((ROOT / "src/training" / name).read_text() for name in ("batch_plan.hpp", "batch_plan.cpp"))
        for name, value in (("kMaxLanes", predict.MAX_LANES), ("kUsualLanes", predict.USUAL_LANES),
                            ("kLongLanePositions", predict.LONG_LANE_TOKENS), ("kLanePositions", predict.LANE_TOKENS),
                            ("kLanePositionsOfLargeModels", predict.LANE_TOKENS_OF_LARGE_MODELS),
                            ("kFirstLanes", predict.FIRST_LANES)):
            self.assertRegex(source, rf"std::int64_t {name} = {value};")
        self.assertRegex(source, r"kLargeGradientBytes = std::size_t\{1\} << 23U;")
        self.assertEqual(predict.LARGE_GRADIENT_BYTES, 1 << 23)
        # The program's own tests have these values.
        tests = (ROOT / "tests/training/batch_plan_test.cpp").read_text()
        large = dataclasses.replace(JOB, parameters=(1 << 21) + 1)  # of 4 bytes each
        for job, name in ((JOB, "LanesAreOneForFewPositionsAndMoreForMore"),
                          (JOB, "LanesAreMoreThanUsualWhereEachIsLong"), (large, "TheFirstLanesAreShort")):
            cases = re.findall(r"\{([\d']+), (\d+)\}", tests.partition(name)[2].partition("}}")[0] + "}")
            self.assertGreater(len(cases), 5)
            for tokens, lanes in cases:
                tokens = int(tokens.replace("'", ""))
                self.assertEqual(dataclasses.replace(job, tokens=tokens).lanes(), int(lanes), tokens)
        self.assertEqual(dataclasses.replace(large, tokens=16 * 128).lanes(), 8)
        self.assertEqual(dataclasses.replace(large, tokens=1024 * 2, batch_size=2).lanes(), 2)

    def test_there_are_no_more_lanes_than_documents(self):
        self.assertEqual(dataclasses.replace(JOB, batch_size=3).lanes(), 3)
        done = run_script("predict.py", "--tokens", 6400, "--batch-size", 3)
        self.assertIn("6400 tokens a step in 3 lanes", done.stdout)

    def test_a_large_model_travels_twice(self):
        fast = Network("no latency", 0, 1e9)
        self.assertAlmostEqual(JOB.message_seconds(8, fast), 2 * JOB.model_bytes / 1e9)
        self.assertAlmostEqual(JOB.message_seconds(512, fast), 2 * JOB.model_bytes / 1e9)

    def test_the_table(self):
        done = run_script("predict.py", "--ranks", "1,64")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("(1x)", done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 7)

    def test_what_it_is_asked_wrongly(self):
        for arguments, word in (
            (["--tokens", 0], "--tokens: '0'"),
            (["--tokens", "inf"], "'inf'"),
            (["--tokens", "nan"], "'nan'"),
            (["--n-embd", "1.5"], "--n-embd: '1.5'"),
            (["--n-layer", "9" * 400], "--n-layer"),
            (["--threads", -1], "--threads: '-1'"),
            (["--batch-size", 0], "--batch-size: '0'"),
            (["--token-seconds", "inf"], "--token-seconds"),
            (["--lane-seconds", -1], "--lane-seconds"),
            (["--fixed-seconds", "nan"], "--fixed-seconds"),
            (["--ranks", "x"], "--ranks: 'x'"),
            (["--ranks", "0"], "--ranks: '0'"),
            (["--ranks", "1,,2"], "--ranks: ''"),
            (["--latency", 1e-6], "--bandwidth"),
            (["--latency", -1, "--bandwidth", 1e9], "--latency: '-1'"),
            (["--latency", 0, "--bandwidth", 0], "--bandwidth: '0'"),
            (["--bogus"], "--bogus"),
        ):
            assert_refused(self, run_script("predict.py", *arguments), "predict.py", word)

    def test_numbers_at_the_ends_of_their_ranges(self):
        tiny = ("--tokens", "1e-18", "--token-seconds", "1e-18", "--lane-seconds", 0, "--fixed-seconds", 0)
        huge = ("--tokens", "1e18", "--n-embd", "9" * 18, "--n-layer", "9" * 18, "--ranks", "1," + "9" * 18)
        for arguments in (tiny, huge, ("--latency", 0, "--bandwidth", "1e-18")):
            done = run_script("predict.py", *arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertNotIn("nan", done.stdout)


class MeasureTest(ProgramTest):
    def test_it_measures(self):
        """One rank only, which needs no MPI."""
        command = [sys.executable, CLUSTER / "measure.py", "1x1", "1x2", "--steps", "20", "--runs", "2"]
        command += ["--program", PROGRAM, "--json", "measured.json"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^1x1 .* 1\.000$")
        speeds = json.loads((self.folder / "measured.json").read_text(encoding="utf-8"))["tokens_per_second"]
        self.assertEqual([len(values) for values in speeds.values()], [2, 2])

    def test_its_paths_are_relative_to_the_current_folder(self):
        self.write("data/few.txt", "anna\nbob\n" * 30)
        (self.folder / "program").symlink_to(PROGRAM)
        done = run_script("measure.py", "1x1", "--steps", 10, "--runs", 1, "--program", "program",
                          "--set", "dataset=data/few.txt", cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_launcher_that_starts_nothing_has_no_speed(self):
        arguments = ("1x1", "2x1", "--steps", 10, "--runs", 1, "--program", PROGRAM, "--mpirun", "/bin/true")
        assert_refused(self, run_script("measure.py", *arguments), "measure.py", "2x1", "no metrics", "--mpirun")

    def test_it_leaves_nothing_when_it_is_stopped(self):
        command = [sys.executable, CLUSTER / "measure.py", "1x1", "--steps", "1000000000", "--program", PROGRAM]
        process = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(self.folder)})
        self.addCleanup(process.kill)
        self.wait_until(lambda: list(self.folder.glob("microgpt-measure-*/run/metrics.jsonl")))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=300), 128 + signal.SIGTERM)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_what_it_is_asked_wrongly(self):
        text = self.write("text", "words")
        text.chmod(0o755)
        short = ("1x1", "--steps", 10, "--runs", 1)
        for arguments, *words in (
            (["2by2"], "2by2"),
            (["1x" + "9" * 5000], "RANKSxTHREADS"),
            (["--steps", "1.5"], "--steps: '1.5'"),
            (["--steps", 9], "--steps: '9'"),
            (["--runs", 0], "--runs: '0'"),
            (["--program", "gone"], "gone"),
            (["--program", "."], "."),
            (["--program", text, *short], text, "--program"),
            (["--program", "/bin/true", *short], "/true", "no metrics", "--program"),
            (["--program", "/bin/false", *short], "failed: exit code 1"),
            (["--program", PROGRAM, *short, "--set", "n_embd=0"], "1x1", "n_embd"),
            (["--program", PROGRAM, *short, "--json", "text/x.json"], "--json text/x.json"),
            (["--program", PROGRAM, *short, "--json", "."], "--json ."),
            (["--program", PROGRAM, "--mpirun", ""], "--mpirun"),
            (["--program", PROGRAM, "--mpirun", "mpirun '"], "--mpirun"),
            (["--program", PROGRAM, "2x1", "--mpirun", "nothing"], "nothing", "--mpirun"),
        ):
            assert_refused(self, run_script("measure.py", *arguments, cwd=self.folder), "measure.py", *words)


class LauncherTest(unittest.TestCase):
    def test_trainings_of_a_sweep_are_nobodys_ranks(self):
        with mock.patch.dict(os.environ, {"OMPI_COMM_WORLD_RANK": "1", "PMI_SIZE": "4", "PMIX_RANK": "1", "MINE": "1"}):
            environment = alone()
        self.assertEqual(environment["MINE"], "1")
        self.assertFalse({"OMPI_COMM_WORLD_RANK", "PMI_SIZE", "PMIX_RANK"} & set(environment))


class JobTest(ProgramTest):
    """slurm.sh, with an srun that only says what it would start, a word a line."""

    def setUp(self):
        super().setUp()
        srun = self.write("bin/srun", '#!/bin/bash\n[[ $1 == --mpi=list ]] && echo pmix || printf "%s\\n" "$@"\n')
        srun.chmod(0o755)

    def test_the_job_script_is_sound(self):
        done = subprocess.run(["bash", "-n", CLUSTER / "slurm.sh"], capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def started(self, *arguments):
        environment = os.environ | {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "MICROGPT": "microgpt",
                                    "MICROGPT_RUN": str(self.folder / "a run"), "SLURM_CPUS_PER_TASK": "3"}
        done = subprocess.run(["bash", CLUSTER / "slurm.sh", *arguments], env=environment, capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def assert_starts(self, arguments, expected):
        self.assertEqual(self.started(*arguments), ["--mpi=pmix", "microgpt", *expected, "--threads", "3"])

    def test_a_run_begins_with_its_arguments(self):
        arguments = ["--config", "large.cfg", "--out", "a run", "--set", "num_steps=9"]
        self.assert_starts(arguments, arguments)
        self.assert_starts([], [])

    def test_a_run_goes_on_with_its_other_arguments(self):
        run = self.write("a run/latest.h5", "").parent
        resume = ["--resume", str(run)]
        self.assert_starts(["--config", "large.cfg", "--set", "num_steps=9", "--out", "a run", "--quiet"],
                           ["--set", "num_steps=9", "--quiet", *resume])
        self.assert_starts(["train", "--config=large.cfg", "--out=a run", "--overwrite", "--set", "seed=1"],
                           ["train", "--set", "seed=1", *resume])
        self.assert_starts(["--resume", "elsewhere/step-1.h5", "--out", "a run"], resume)
        self.assert_starts(["--set", "seed=1", "--config"], ["--set", "seed=1", *resume])
        self.assert_starts([], resume)


if __name__ == "__main__":
    unittest.main()
