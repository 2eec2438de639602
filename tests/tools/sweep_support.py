"""What the tests of tools/sweep.py share: starting it on short trainings, reading what it leaves."""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import optuna
import yaml

PROGRAM = Path(os.environ.get("MICROGPT") or sys.exit("MICROGPT must name the program to test"))
ROOT = Path(os.environ.get("MICROGPT_SOURCE") or Path(__file__).resolve().parents[2])
SWEEP = ROOT / "tools" / "sweep.py"
NAMES = ROOT / "data" / "names.txt"
PATIENCE = 240  # seconds: only a sweep that hangs needs so long

optuna.logging.set_verbosity(optuna.logging.ERROR)


class SweepTest(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="microgpt-sweep-", ignore_cleanup_errors=True)
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name).resolve()
        self.names = self.write(
            "names.txt", "\n".join(NAMES.read_text(encoding="utf-8").split()[:400]) + "\n"
        )
        self.config = self.write_config("tiny.cfg")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_config(self, name, **settings):
        """A config whose training takes some milliseconds."""
        tiny = {
            "dataset": "names.txt",
            "validation_fraction": 0.1,
            "num_steps": 40,
            "n_embd": 8,
            "num_samples": 0,
        }
        return self.write(name, yaml.safe_dump(tiny | settings))

    def program_that(self, script):
        """A stand-in for microgpt: a shell script in which $MICROGPT_REAL is the real one."""
        path = self.write("stand-in", f"#!/bin/bash\nMICROGPT_REAL={PROGRAM}\n{script}\n")
        path.chmod(0o755)
        return path

    def sweep(self, *arguments, config=None, cwd=".", **environment):
        """Runs tools/sweep.py to its end, in the test's folder; without a file of its own, on tiny.cfg."""
        done = subprocess.run(
            self.command(arguments, config),
            cwd=self.folder / cwd,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertNotIn("Traceback", done.stderr)
        return done

    def succeed(self, *arguments, **options):
        done = self.sweep(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done

    def start(self, *arguments, config=None, **environment):
        """The running sweep, which does not survive the test."""
        process = subprocess.Popen(
            self.command(arguments, config),
            cwd=self.folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def command(self, arguments, config):
        words = [str(word) for word in arguments]
        if not any(word.endswith(".yml") for word in words):
            words = ["--config", str(config or self.config), *words]
        return [sys.executable, str(SWEEP), *words]

    def end(self, process):
        """Waits for a started sweep: its exit code, stdout and stderr."""
        out, err = process.communicate(timeout=PATIENCE)
        self.assertNotIn("Traceback", err)
        return process.returncode, out, err

    def wait_until(self, condition, process=None):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if process and process.poll() is not None:
                self.fail(f"the sweep ended too early: {process.communicate()}")
            self.assertLess(time.monotonic(), deadline, "the sweep hangs")
            time.sleep(0.01)

    def assert_refused(self, done, *words):
        """One error line with these words in it, and exit code 2."""
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"\Asweep\.py: error: [^\n]+\n\Z")
        for word in words:
            self.assertIn(str(word), done.stderr)


class Sweep:
    """A sweep's folder as others see it."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def description(self):
        return yaml.safe_load((self.folder / "sweep.yml").read_text(encoding="utf-8"))

    def best(self):
        return yaml.safe_load((self.folder / "best.cfg").read_text(encoding="utf-8"))

    def table(self):
        with open(self.folder / "trials.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def study(self):
        return optuna.load_study(
            study_name=self.description()["study"], storage=f"sqlite:///{self.folder}/study.db"
        )

    def trials(self, *states):
        """Optuna's trials, those in the named states only."""
        trials = self.study().trials
        return [trial for trial in trials if not states or trial.state.name in states]

    def run_folder(self, trial, place=0):
        return self.folder / trial.user_attrs["run_folders"][place]


def metrics(run):
    with open(run / "metrics.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def val_losses(run):
    return [line["val_loss"] for line in metrics(run) if "val_loss" in line]


def config_of(run):
    return yaml.safe_load((run / "config.cfg").read_text(encoding="utf-8"))


def trainings_below(folder):
    """The ids of running processes that name the folder on their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace")
            if (
                f"{folder}/trials/" in words
                and (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            ):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def kill_hard(process):
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=PATIENCE)
