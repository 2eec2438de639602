"""What tools/sweep.py refuses, before it makes a folder or trains: one line, exit code 2."""

import os
import subprocess
import sys
import unittest

from sweep_support import ROOT, SWEEP, SweepTest

sys.path.append(str(ROOT / "tools"))

from microgpt_tools.errors import UserError  # noqa: E402
from microgpt_tools.sweep.main import main  # noqa: E402

RATE = ("--param", "learning_rate=log:1e-3:3e-2")


class OptionsTest(SweepTest):
    """In this process, which spares the start of another for each case."""

    def setUp(self):
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def refused(self, arguments, *words):
        with self.subTest(arguments):
            with self.assertRaises(UserError) as caught:
                main([str(argument) for argument in arguments])
            self.assertNotIn("\n", str(caught.exception))
            for word in words:
                self.assertIn(str(word), str(caught.exception))

    def assert_refusals(self, *cases):
        before = sorted(self.folder.iterdir())
        for options, *words in cases:
            self.refused(["--config", self.config, *options], *words)
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_ranges(self):
        self.assert_refusals(
            (("--param", "learning_rate"), "learning_rate", "NAME=FORM"),
            (("--param", "learning_rate=log:1e-3"), "learning_rate=log:1e-3", "LOW:HIGH"),
            (("--param", "learning_rate=log:0:1"), "above 0"),
            (("--param", "learning_rate=log:1:0.1"), "LOW must be below HIGH"),
            (("--param", "learning_rate=log:1e-3:inf"), "'inf'"),
            (("--param", "learning_rate=lin:1:2"), "'lin'", "log:LOW:HIGH"),
            (("--param", "learning_rate=0.1"), "single value", "set"),
            (("--param", "learning_rate=0.1,,0.2"), "empty choice"),
            (("--param", "learning_rate=0.1,1e-1"), "twice"),
            (("--param", "batch_size=int:1:8.5"), "'8.5'"),
            (("--param", "batch_size=int:1:8:2"), "do not end at 8"),
            (("--param", "batch_size=int:1:8:0"), "step"),
            (("--param", "batch_size=intlog:0:8"), "above 0"),
            ((*RATE, *RATE), "learning_rate", "twice"),
        )

    def test_settings_that_the_program_refuses(self):
        self.assert_refusals(
            (("--param", "learning_rat=log:1e-3:3e-2"), "unknown key", "did you mean 'learning_rate'"),
            (("--param", "learning_rate=log:1e-3:1e9"), "param learning_rate", "1000000"),
            (("--param", "n_embd=8,0"), "param n_embd"),
            (("--param", "n_embd=float:8:16"), "whole number"),
            (("--param", "n_embd=8,12", "--param", "n_head=5,7"), "cannot be divided by n_head"),
            ((*RATE, "--set", "n_embed=3"), "unknown key"),
            ((*RATE, "--set", "n_embd"), "n_embd", "KEY=VALUE"),
            ((*RATE, "--set", "dataset=nowhere.txt"), "nowhere.txt"),
        )

    def test_what_clashes(self):
        self.assert_refusals(
            ((*RATE, "--set", "learning_rate=0.1"), "both searched", "fixed"),
            (("--param", "seed=1,2", "--seeds", "2"), "seeds"),
            (("--param", "dataset=a.txt,b.txt"), "compared"),
            (("--param", "validation_fraction=0.1,0.2"), "compared"),
            (("--param", "num_steps=10,20", "--documents", "100"), "num_steps"),
            ((*RATE, "--set", "num_steps=10", "--documents", "100"), "num_steps"),
            ((*RATE, "--set", "batch_size=threads", "--documents", "100"), "batch_size"),
            (("--param", "batch_size=0,8", "--documents", "100"), "batch_size"),
            ((*RATE, "--sampler", "grid"), "learning_rate", "a grid needs a list"),
            (("--param", "n_embd=intlog:8:16", "--sampler", "grid"), "a grid needs a list"),
        )

    def test_options(self):
        self.assert_refusals(
            ((), "nothing to search"),
            ((*RATE, "--trials", "0"), "--trials", "'0'"),
            ((*RATE, "--trials", "many"), "--trials", "'many'"),
            ((*RATE, "--jobs", "-1"), "--jobs"),
            ((*RATE, "--threads", "4097"), "--threads", "4096"),
            ((*RATE, "--seeds", "1000000000000"), "--seeds"),
            ((*RATE, "--sampler", "cleverest"), "--sampler", "tpe, random, grid"),
            ((*RATE, "--pruner", "hyperband"), "--pruner", "median, halving, none"),
            ((*RATE, "--objective", "worst"), "--objective", "best, final"),
            ((*RATE, "--trails", "3"), "--trails"),
            ((*RATE, "--out", self.config), "tiny.cfg"),
            ((*RATE, "--out", "/proc/sweep"), "/proc/sweep"),
            ((*RATE, "--program", "nothing"), "nothing", "no such program"),
            ((*RATE, "--program", "/bin/true"), "/bin/true", "--program"),
            ((*RATE, "--program", "/bin/cat"), "/bin/cat", "--program"),
            ((*RATE, "--study", "mine"), "--study", "storage"),
            ((*RATE, "--heartbeat", "3"), "--heartbeat", "storage"),
            ((*RATE, "--storage", "database"), "--storage", "postgresql://"),
            ((*RATE, "--storage", "sqlite:////tmp/x.db"), "--storage", "sqlite"),
        )
        self.refused(["--config", "gone.cfg", *RATE], "gone.cfg")
        self.refused(["--config", self.folder, *RATE], self.folder)
        self.refused([], "--config")

    def test_a_part_that_holds_nothing_out(self):
        few = self.write("few.txt", "anna\n\nbob\ncarl\n")
        held_out = (*RATE, "--set", f"dataset={few}", "--set", "validation_fraction=0.3")
        self.assert_refusals(
            (held_out, "validation_fraction", "3 documents", "set it to 0"),
            ((*held_out, "--set", "documents=text"), "validation_fraction", "2 documents"),
        )

    def test_one_line_and_exit_code_2(self):
        self.assert_refused(self.sweep(*RATE, "--trials", "0"), "--trials")

    def test_files(self):
        def file_refused(text, *words):
            self.refused([self.write("a.yml", text)], "a.yml", *words)

        file_refused("config: tiny.cfg\nparam: {n_embd: [8, 16]}\n", "param", "did you mean 'params'")
        file_refused("config: tiny.cfg\nparams: [n_embd]\n", "params")
        file_refused("config: tiny.cfg\nparams: {n_embd: }\n", "n_embd")
        file_refused("config: tiny.cfg\nparams: {n_embd: [8, 16]}\ntrials: [1]\n", "trials")
        file_refused("config: tiny.cfg\nparams: {n_embd: [8, 16]}\ntrials: 1.5\n", "trials", "'1.5'")
        file_refused("config: tiny.cfg\nsampler: best\n", "sampler", "'best'")
        file_refused("config: {", "a.yml:1: not YAML")
        file_refused("config: tiny.cfg\ntrials: 1\ntrials: 2\n", "a.yml:3: ", "trials", "twice")
        file_refused("config: tiny.cfg\nparams: {n_embd: [8, 16]}\nstudy: x\n", "a.yml: study", "storage")
        file_refused("config: tiny.cfg\nparams: {n_embd: [8, 16], n_embd: [32]}\n", "n_embd", "twice")
        file_refused("config: " + "[" * 5000, "nested")
        file_refused("just words")
        file_refused("config:\n", "config")
        self.refused(["gone.yml"], "gone.yml", "name the YAML file of a sweep")
        self.refused([self.folder], self.folder)
        self.assertFalse((self.folder / "sweeps").exists())

    def test_a_stream_that_is_closed(self):
        words = [sys.executable, SWEEP, "--config", self.config, *RATE, "--trials", "1"]
        words = ["bash", "-c", '"$@" >&- 2>&-', "bash", *words]
        done = subprocess.run(words, cwd=self.folder, capture_output=True, check=False, timeout=240)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        self.assertTrue((self.folder / "sweeps/tiny/best.cfg").exists())

    def test_help_shows_examples(self):
        done = subprocess.run([SWEEP, "--help"], cwd="/", capture_output=True, text=True, check=True)
        self.assertIn("tools/sweep.py configs/sweep.yml --trials 100", done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 120)


if __name__ == "__main__":
    unittest.main()
