"""The benchmark's numbers belong together; how large they are is the machine's business."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

BENCH = pathlib.Path(os.environ["MICROGPT"]).parent / "microgpt_bench"
SOURCE = pathlib.Path(os.environ["MICROGPT_SOURCE"])


def run(*arguments):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, check=False, timeout=300)


class BenchTest(unittest.TestCase):
    def setUp(self):
        if not BENCH.exists():
            self.skipTest("built without MICROGPT_BENCHMARKS")

    def test_its_numbers_belong_together(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "bench.json"
            done = run("--shapes", "A,A1,D", "--threads", "1,2", "--rounds", "3", "--seconds", "0.001", "--json", file)
            self.assertEqual(done.returncode, 0, done.stderr)
            bench = json.loads(file.read_text())
        rows = bench["results"]
        self.assertEqual([(row["shape"], row["threads"]) for row in rows],
                         [(shape, threads) for shape in ("A", "A1", "D") for threads in (1, 2)])
        flops = {"A": 6 * (12 * 16 * 16 + 16 * 27), "D": 6 * (12 * 64 * 64 + 64 * 27)}
        for row in rows:
            with self.subTest(row["shape"], threads=row["threads"]):
                self.assertEqual(row["flops_per_token"], flops[row["shape"][0]])
                alone = row["threads"] == 1
                self.assertEqual([row[of] is None for of in ("machine_speed_up", "line_transfer")], [alone] * 2)
                for measured in ("us_per_document", "tokens_per_second", "share_of_core", "speed_up", "room",
                                 *([] if alone else ["machine_speed_up", "line_transfer"])):
                    values = row[measured]["values"]
                    self.assertEqual(len(values), 3)
                    self.assertEqual(row[measured]["median"], sorted(values)[1])
                    self.assertEqual([row[measured]["low"], row[measured]["high"]], [min(values), max(values)])
                # Each round's share is its speed over a rate that was measured in that round.
                for tokens, share in zip(row["tokens_per_second"]["values"], row["share_of_core"]["values"]):
                    rate = tokens * row["flops_per_token"] / share
                    self.assertIn(rate, [approximately(rate, of) for of in bench["fma_rate_of_one_core"]["values"]])
                self.assertAlmostEqual(sum(row["phases"].values()), 1, delta=0.05)
        self.assertIn("1.00 (1.00-1.00)", done.stdout)
        self.assertEqual(list(bench["handing_over_us"]), ["2"])
        self.assertIn("to begin and end a phase", done.stdout)

    def test_rounds_alone_are_those_with_room(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "bench.json"
            done = run("--shapes", "A", "--threads", "1", "--rounds", "9", "--seconds", "0.001", "--json", file)
            self.assertEqual(done.returncode, 0, done.stderr)
            row = json.loads(file.read_text())["results"][0]
        alone = sorted(100 * share for share, room in zip(row["share_of_core"]["values"], row["room"]["values"])
                       if room >= 0.95)
        line = next(line for line in done.stdout.splitlines() if re.match(r"A +1 ", line))
        shown = re.findall(r"\d+ \(\d+\)", line)
        self.assertEqual(shown[:1], [f"{alone[len(alone) // 2]:.0f} ({len(alone)})"] if alone else [])

    def test_refuses_what_it_does_not_know(self):
        for arguments, word in ((["--shapes", "Z"], "Z"), (["--frobnicate"], "frobnicate"),
                                (["--shapes", "A", "--names", "/nowhere/names.txt"], "/nowhere/names.txt"),
                                (["--shapes", "A", "--threads", "1,0"], "--threads"),
                                (["--shapes", "F", "--batch-size", "2000"], "--batch-size"),
                                (["--rounds", "0"], "--rounds"), (["--seconds", "-1"], "--seconds"),
                                (["--threads", "5000"], "--threads"), (["--batch-size", "-1"], "--batch-size"),
                                (["A"], "A: not an option"),
                                (["--json", "/nowhere/bench.json"], "/nowhere/bench.json")):
            done = run("--rounds", "1", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(word, done.stderr)
            self.assertEqual(done.stderr.splitlines()[-1].count("error"), 1)

    def time_whole_runs(self, program, repeats, cwd=None):
        script = SOURCE / "tools" / "bench" / "whole_runs.py"
        return subprocess.run(["/usr/bin/python3", script, program, "--repeats", repeats],
                              cwd=cwd, capture_output=True, text=True, check=False, timeout=300)

    def test_whole_runs_are_refused(self):
        for program, repeats, word in ((os.environ["MICROGPT"], "0", "--repeats"),
                                       ("gone", "1", "gone: there is no such program"),
                                       (__file__, "1", "there is no such program"),  # it cannot be run
                                       ("/bin/true", "1", "true: reported no step"),
                                       ("/bin/false", "1", "/bin/false failed: exit code 1")):
            done = self.time_whole_runs(program, repeats)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertIn(word, done.stderr)

    def test_whole_runs_are_timed(self):
        program = pathlib.Path(os.environ["MICROGPT"])
        done = self.time_whole_runs(program.name, "1", cwd=program.parent)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 4)
        self.assertIn("characters/s", lines[3])
        first_step, end = (int(re.search(r"(\d+) \(", line)[1]) for line in lines[:2])
        self.assertGreater(first_step, 0)
        self.assertLessEqual(first_step, end)


def approximately(value, other):
    return value if abs(value - other) <= 1e-9 * value else other


if __name__ == "__main__":
    unittest.main()
