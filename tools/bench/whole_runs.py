#!/usr/bin/env python3
"""Times whole runs of the program, from the start of the process: to the report of a first step and to
the end of a run of one step, all 500 steps of small.cfg with their samples, and the drawing of many
samples.

    tools/bench/whole_runs.py build/release/microgpt [--names FILE] [--repeats 15]
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools"))

from microgpt_tools.arguments import Parser, whole_number  # noqa: E402
from microgpt_tools.errors import UserError, run_main  # noqa: E402

SAMPLES = 100_000


def seconds_of(command):
    """How long the command takes, and what it prints."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, done.stdout


def seconds_to_first_step(command):
    """How long the command takes to report a step, and how long in all."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        reported = None
        for line in process.stdout:
            if reported is None and line.startswith("step"):
                reported = time.perf_counter() - start
        errors = process.stderr.read()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=errors)
    if reported is None:
        raise UserError(f"{command[0]}: reported no step; name the program microgpt")
    return reported, time.perf_counter() - start


def median_and_range(values, unit, digits):
    low, middle, high = (unit * value for value in (min(values), statistics.median(values), max(values)))
    return f"{middle:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def main():
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("microgpt", type=pathlib.Path, help="the program")
    parser.add_argument("--names", type=pathlib.Path, default=REPOSITORY / "data" / "names.txt", help="a dataset")
    parser.add_argument("--repeats", type=whole_number(1), default=15, help="runs of each kind (default: %(default)s)")
    options = parser.parse_args()
    if not options.microgpt.is_file() or not os.access(options.microgpt, os.X_OK):
        raise UserError(f"{options.microgpt}: there is no such program; build it first")

    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        program = options.microgpt.resolve()  # a name without a slash would be looked up in the PATH
        train = [program, "--config", REPOSITORY / "configs" / "small.cfg", "--out", out, "--overwrite"]
        train += ["--threads", "2", "--set", f"dataset={options.names}"]
        one_step = ["--set", "num_steps=1", "--set", "num_samples=0", "--set", "validation_fraction=0"]
        draw = [program, "generate", "--checkpoint", out / "latest.h5", "-n", str(SAMPLES)]
        first, one, whole, speed = [], [], [], []
        try:
            for _ in range(options.repeats):
                to_step, to_end = seconds_to_first_step(train + one_step)
                first.append(to_step)
                one.append(to_end)
                whole.append(seconds_of(train)[0])
                seconds, text = seconds_of(draw)
                speed.append(len(text) / seconds)  # a line end stands for the BOS that was drawn
        except subprocess.CalledProcessError as error:
            reason = " ".join(error.stderr.split()) or f"exit code {error.returncode}"
            raise UserError(f"{options.microgpt} failed: {reason}") from None

    print(f"start to the first step                 {median_and_range(first, 1e3, 0)} ms")
    print(f"start, one step, checkpoint, end        {median_and_range(one, 1e3, 0)} ms")
    print(f"small.cfg --threads 2, with its samples {median_and_range(whole, 1e3, 0)} ms")
    print(f"generate -n {SAMPLES}, with the start    {median_and_range(speed, 1, 0)} characters/s")


if __name__ == "__main__":
    run_main(main)
