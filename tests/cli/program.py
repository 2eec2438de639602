"""What all scripts here share: starting the program, and reading what it prints and leaves behind.

The environment names the program (MICROGPT) and the repository (MICROGPT_SOURCE). Each test has a
temporary folder of its own.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

import h5py

PROGRAM = Path(os.environ.get("MICROGPT") or sys.exit("MICROGPT must name the program to test"))
ROOT = Path(os.environ.get("MICROGPT_SOURCE") or Path(__file__).resolve().parents[2])
NAMES = ROOT / "data" / "names.txt"
CONFIGS = ROOT / "configs"
PATIENCE = 900  # seconds: only a program that hangs needs so long, even under a sanitizer on a busy machine
TIME_FIELDS = ("seconds", "tokens_per_second")

sys.path.append(str(ROOT / "tests" / "reference"))  # for `import microgpt_numpy`


@dataclass
class Output:
    exit_code: int
    out: str
    err: str

    def lines(self, kind=""):
        """Those of stdout that begin with `kind`: "step", "eval" or "sample"."""
        # Not splitlines(), which also cuts at characters that a sample may hold.
        return [line for line in self.out.split("\n")[:-1] if line.startswith(kind)]

    def results(self):
        return self.lines("step") + self.lines("eval") + self.lines("sample")

    def samples(self):
        return [re.fullmatch(r"sample +\d+: (.*)", line)[1] for line in self.lines("sample")]


@dataclass
class Run:
    """A run's folder, and what the process printed that worked in it last."""

    folder: Path
    output: Output

    def steps(self):
        """Of which there is a checkpoint."""
        return sorted(int(path.stem[len("step-"):]) for path in self.folder.glob("step-*.h5"))

    def checkpoint(self, step=None):
        """The path of the checkpoint of a step, or of the last one."""
        return self.folder / f"step-{self.steps()[-1] if step is None else step:08}.h5"

    def metrics(self):
        with open(self.folder / "metrics.jsonl", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def timeless_metrics(self):
        """All fields that must not depend on the day; the order of keys is one of them."""
        return [
            [(key, value) for key, value in line.items() if key not in TIME_FIELDS]
            for line in self.metrics()
        ]


class ProgramTest(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="microgpt-")
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name).resolve()

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    def write_config(self, name, **settings):
        return self.write(name, "".join(f"{key}: {value}\n" for key, value in settings.items()))

    def microgpt(self, *arguments, cwd=".", program=PROGRAM, **options):
        """Runs the program in the test's folder, or one below it, to its end."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        done = subprocess.run(
            command(*arguments, program=program), cwd=self.folder / cwd, timeout=PATIENCE, check=False, **options
        )
        out, err = ((stream or b"").decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        return Output(done.returncode, out, err)

    def succeed(self, *arguments, warned="", **options):
        """With nothing on stderr, or with one warning that holds this text."""
        output = self.microgpt(*arguments, **options)
        self.assertEqual(output.exit_code, 0, output.err)
        if warned:
            self.assertRegex(output.err, r"\Amicrogpt: warning: [^\n]+\n\Z")
            self.assertIn(warned, output.err)
        else:
            self.assertEqual(output.err, "", output.out[-500:])
        return output

    def start(self, *arguments, **options):
        """The running program, which does not survive the test."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process = subprocess.Popen(command(*arguments), cwd=self.folder, stdin=subprocess.DEVNULL, **options)
        self.addCleanup(process.__exit__, None, None, None)  # closes its pipes
        self.addCleanup(process.kill)
        return process

    def shell(self, line, *arguments):
        """Runs the program as "$@" in a line of shell; returns exit code, stdout and stderr."""
        words = ["bash", "-c", line, "bash", *command(*arguments)]
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)
        return done.returncode, done.stdout, done.stderr

    def wait_until(self, condition, pause=0.001):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, "the program hangs")
            time.sleep(pause)

    def train(self, out, *options, threads=1, warned="", **settings):
        """A run in the folder `out`, from its beginning; `settings` are the keys of its config."""
        config = self.write_config(f"{out}.cfg", **settings)
        output = self.succeed("--config", config, "--out", out, "--threads", threads, *options, warned=warned)
        return Run(self.folder / out, output)

    def resume(self, path, *options, threads=1, **settings):
        """Goes on from a checkpoint, or a run's folder; `settings` are changes of the config."""
        output = self.succeed("--resume", path, "--threads", threads, *options, *changes(**settings))
        if "--out" in options:
            return Run(self.folder / options[options.index("--out") + 1], output)
        path = (self.folder / path).resolve()
        return Run(path if path.is_dir() else path.parent, output)

    def assert_same_run(self, run, expected):
        """The same last checkpoint, byte for byte, and the same story in metrics.jsonl."""
        self.assertEqual(run.checkpoint().name, expected.checkpoint().name)
        self.assert_same_bytes(run.checkpoint(), expected.checkpoint())
        self.assertEqual(run.timeless_metrics(), expected.timeless_metrics())

    def assert_same_bytes(self, path, expected):
        if path.read_bytes() != expected.read_bytes():
            self.fail(f"{path} has not the bytes of {expected}")

    def assert_one_error(self, output, exit_code, *words):
        self.assertEqual(output.exit_code, exit_code, output.err)
        self.assertRegex(output.err, r"\Amicrogpt: error: [^\n]+\n\Z")
        for word in words:
            self.assertIn(str(word), output.err)


def command(*arguments, program=PROGRAM):
    return [str(program), *map(str, arguments)]


def changes(**settings):
    """--set key=value, for each."""
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def reseal(path):
    """Makes a changed checkpoint valid again, as far as its seal goes."""
    with h5py.File(path) as file:
        place = file["file_sha256"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[place : place + 32] = bytes(32)
    content[place : place + 32] = hashlib.sha256(content).digest()
    path.write_bytes(content)


def read_settings(text):
    """The keys of a config and their values as text, for configs as plain as the shipped ones."""
    pairs = re.findall(r"^(\w+): +([^#\n]*[^#\s])", text, re.MULTILINE)
    return dict(pairs)


def read_tensors(checkpoint, group="model"):
    with h5py.File(checkpoint) as file:
        return {name: dataset[()] for name, dataset in file[group].items()}


def read_config(run):
    """The config.cfg of a run."""
    return read_settings((run.folder / "config.cfg").read_text(encoding="utf-8"))


def read_history(checkpoint):
    return {name: values.tolist() for name, values in read_tensors(checkpoint, "history").items()}


def snapshot(folder):
    """All there is below a folder: targets of links, bytes and times of files."""

    def look(path):
        if path.is_symlink():
            return os.readlink(path)
        return "folder" if path.is_dir() else (path.read_bytes(), path.stat().st_mtime_ns)

    return {str(path.relative_to(folder)): look(path) for path in sorted(Path(folder).rglob("*"))}
