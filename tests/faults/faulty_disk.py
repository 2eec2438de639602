"""What the scripts here share: the program on a disk that stops or fails at a call of our choice.

The environment names the shim (MICROGPT_FAULT_SHIM), which fault_shim.c explains. It watches a
"box": a folder that holds nothing but the run's. Paths of calls are those below the box.
"""

import concurrent.futures
import os
import re
import shutil
import sys
import unittest
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

sys.path.append(str(Path(__file__).resolve().parents[1] / "cli"))
from program import NAMES, ProgramTest, Run  # noqa: E402

SHIM = os.environ.get("MICROGPT_FAULT_SHIM")
WORKERS = min(2, os.cpu_count() or 1)
ATTEMPTS = 20
ROOM = 256 * 2**20  # bytes: several times what a test has on its disk at once

SETTINGS = {
    "num_steps": 6,
    "checkpoint_every": 2,
    "eval_every": 2,
    "log_every": 2,  # a line of metrics is followed by a checkpoint, so that it makes one write() on any machine
    "validation_fraction": 0.1,
    "batch_size": 4,
    "n_embd": 64,  # so that a checkpoint takes more than one write()
    "n_layer": 2,
    "num_samples": 1,
}


@dataclass(frozen=True)
class Call:
    """One that the program made on its disk."""

    number: int
    name: str
    path: str
    detail: str

    def __str__(self):
        return f"{self.number}: {self.name} {self.path} {self.detail}".rstrip()

    def is_like(self, other):
        return (self.number, self.name, self.path) == (other.number, other.name, other.path)

    @property
    def changes_the_disk(self):
        return self.name != "read" and (self.name, self.detail) != ("open", "read")

    @property
    def size(self):
        return int(self.detail)


@dataclass(frozen=True)
class Fault:
    """This call goes wrong; fault_shim.c lists the ways."""

    call: Call
    action: str
    value: int = 0

    def __str__(self):
        return f"{self.action} {self.value} at {self.call}"


class AnotherCall(Exception):
    """On a busy machine a run may make a call more, for metrics.jsonl: then the fault met another than it was for."""


@unittest.skipUnless(SHIM, "MICROGPT_FAULT_SHIM must name the library built from fault_shim.c")
class FaultTest(ProgramTest):
    def setUp(self):
        with mock.patch("tempfile.tempdir", folder_in_memory()):
            super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.write("names.txt", "\n".join(names[::300]))

    def train_arguments(self, name="run", **settings):
        """Of a new run; the config is written on the way."""
        config = self.write_config(f"{name}.cfg", **SETTINGS | {"dataset": self.folder / "names.txt"} | settings)
        return ["--config", config, "--threads", 1, "--out", "run"]

    def box(self, name, content=None):
        """A new box, with a copy of what is in another one."""
        box = self.folder / f"box-{name}"
        if content:
            shutil.copytree(content, box, symlinks=True)
        else:
            box.mkdir()
        return box

    def in_box(self, box, arguments, fault=None, **options):
        """Runs the program with the box as its current folder; returns what it printed, and its calls."""
        log = box.with_suffix(".log")
        log.unlink(missing_ok=True)
        environment = options.pop("env", os.environ) | shim_environment(box, log, fault)
        output = self.microgpt(*arguments, cwd=box, env=environment, **options)
        calls = read_log(log)
        if fault and not any(call.is_like(fault.call) for call in calls):
            raise AnotherCall(f"after {calls[-1]}")
        return output, calls

    def undisturbed(self, name, arguments, content=None):
        """The run in a new box, and its calls: of several runs the fewest."""
        logs = []
        for number in range(3):
            box = self.box(f"{name}-{number}", content)
            output, calls = self.in_box(box, arguments)
            self.assertEqual((output.exit_code, output.err), (0, ""))
            logs.append(calls)
        self.assertTrue(logs[0], "the shim saw nothing")
        return Run(box / "run", output), min(logs, key=len)

    def assert_same_folder(self, run, expected):
        """The same names, links and bytes; in metrics.jsonl, the same but the times."""
        self.assertEqual(sorted(os.listdir(run.folder)), sorted(os.listdir(expected.folder)))
        for path in expected.folder.iterdir():
            if path.is_symlink():
                self.assertEqual(os.readlink(run.folder / path.name), os.readlink(path), path.name)
            elif path.name != "metrics.jsonl":
                self.assert_same_bytes(run.folder / path.name, path)
        self.assertEqual(run.timeless_metrics(), expected.timeless_metrics())

    def for_each(self, faults, check, content=None):
        """What check(fault, box) returns for each fault, with a new box; the first failure is raised."""

        def run(number, fault):
            for attempt in range(ATTEMPTS):
                box = self.box(f"{number}-{attempt}", content)
                try:
                    return check(fault, box)
                except AnotherCall:
                    if attempt == ATTEMPTS - 1:
                        raise
                except Exception as error:
                    raise AssertionError(f"{fault}: {error}") from error
                finally:
                    shutil.rmtree(box, ignore_errors=True)

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            futures = [pool.submit(run, number, fault) for number, fault in enumerate(faults)]
            try:
                return [future.result() for future in futures]
            finally:
                pool.shutdown(cancel_futures=True)


def folder_in_memory():
    """Where to put the boxes: a hundred fsyncs a run take their time on a disk, and no power cut is to come."""
    folder = Path("/dev/shm")
    has_room = folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > ROOM
    return str(folder) if has_room else None


def shim_environment(box, log, fault=None):
    environment = {"LD_PRELOAD": SHIM, "FAULT_SHIM_FOLDER": str(box), "FAULT_SHIM_LOG": str(log)}
    if fault:
        environment |= {
            "FAULT_SHIM_AT": str(fault.call.number),
            "FAULT_SHIM_ACTION": fault.action,
            "FAULT_SHIM_VALUE": str(fault.value),
        }
    # A program built with AddressSanitizer would insist on being loaded before the shim.
    sanitizer = os.environ.get("ASAN_OPTIONS")
    return environment | {"ASAN_OPTIONS": ":".join(filter(None, [sanitizer, "verify_asan_link_order=0"]))}


def read_log(log):
    """The calls in a log; none where the program did not come to its first."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").splitlines()
    return [Call(int(number), *fields) for number, *fields in (line.split("\t") for line in lines)]


def step_of(path):
    """The step of the checkpoint that a path names, finished or not; None for any other path."""
    match = re.fullmatch(r"(?:.*/)?step-(\d{8,})\.h5(?:\.tmp)?", path)
    return int(match[1]) if match else None
