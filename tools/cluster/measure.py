#!/usr/bin/env python3
"""How fast ranks and threads train: several layouts of the same run, taken in turns on one machine."""

import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from microgpt_tools.arguments import Parser, whole_number  # noqa: E402
from microgpt_tools.errors import UserError, run_main  # noqa: E402
from microgpt_tools.metrics import read_metrics  # noqa: E402
from microgpt_tools.whole_file import check_name, write_whole  # noqa: E402

EXAMPLES = """\
examples:
  tools/cluster/measure.py                         1 rank of 2 threads against 2 ranks of 1
  tools/cluster/measure.py 1x1 2x1 4x1 --set n_embd=128 --json measured.json
  tools/cluster/measure.py 1x16 4x4 16x1 --mpirun "mpirun --bind-to none"

A layout is RANKSxTHREADS, with the threads of each rank; the first one is what the others are compared with.
The speed of a run is the median of tokens_per_second over its steps but the first tenth. Each layout's
speed is the median over its runs, with the lowest and the highest behind it.
"""

SETTINGS = {
    "dataset": ROOT / "data" / "names.txt",
    "n_layer": 1,
    "n_embd": 64,
    "n_head": 4,
    "block_size": 16,
    "batch_size": 64,
    "log_every": 1,
    "num_samples": 0,
    "checkpoint_every": 10**9,
}


def parse_arguments():
    parser = Parser(
        description="Measures how fast ranks and threads train.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("layouts", metavar="RANKSxTHREADS", nargs="*", default=["1x2", "2x1"])
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="a config key; may be repeated")
    parser.add_argument("--steps", metavar="N", type=whole_number(10), default=1000, help="of each run (default: 1000)")
    parser.add_argument("--runs", metavar="N", type=whole_number(1), default=5, help="runs of each layout (default: 5)")
    parser.add_argument("--program", type=Path, default=ROOT / "build" / "release" / "microgpt")
    parser.add_argument("--mpirun", metavar="COMMAND", default="mpirun", help='with options (default: "mpirun")')
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the numbers here, too")
    arguments = parser.parse_args()
    for layout in arguments.layouts:
        if not re.fullmatch(r"[1-9]\d{0,5}x[1-9]\d{0,5}", layout):
            raise UserError(f"{layout}: give a layout as RANKSxTHREADS, for instance 2x1")
    if arguments.json:
        check_name("--json", arguments.json)
    if not arguments.program.is_file() or not os.access(arguments.program, os.X_OK):
        raise UserError(f"{arguments.program}: there is no such program; build it or name it with --program")
    arguments.program = arguments.program.resolve()  # a name without a slash would be looked up in the PATH
    try:
        arguments.mpirun = shlex.split(arguments.mpirun)
    except ValueError as error:
        raise UserError(f"--mpirun {arguments.mpirun}: {error}") from None
    if not arguments.mpirun:
        raise UserError("--mpirun: is empty; name the launcher")
    return arguments


def launcher(mpirun, ranks):
    if ranks == 1:
        return []
    command = list(mpirun)
    if os.geteuid() == 0 and "Open MPI" in version_of(command[0]):
        command.append("--allow-run-as-root")
    return [*command, "-np", str(ranks)]


def version_of(mpirun):
    try:
        return subprocess.run([mpirun, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError as error:
        raise UserError(f"{mpirun}: {error.strerror}; name the launcher with --mpirun") from error


def train(arguments, layout, folder):
    """The metrics of one run, which works in a folder that is empty."""
    ranks, threads = map(int, layout.split("x"))
    settings = SETTINGS | {"num_steps": arguments.steps}
    config = folder / "measure.cfg"
    config.write_text("".join(f"{key}: {value}\n" for key, value in settings.items()), encoding="utf-8")
    out = folder / "run"
    overrides = [word for change in arguments.set for word in ("--set", change)]
    command = [*launcher(arguments.mpirun, ranks), str(arguments.program), "--config", str(config)]
    command += ["--out", str(out), "--quiet", "--threads", str(threads), *overrides]
    returncode, errors = run(command)
    if returncode != 0:
        reason = " ".join(errors.split()) or f"exit code {returncode}"
        raise UserError(f"{layout}: {shlex.join(command)} failed: {reason}")
    metrics = list(read_metrics(out / "metrics.jsonl"))
    if not metrics:
        raise UserError(f"{layout}: {shlex.join(command)} left no metrics; check --mpirun and --program")
    return metrics


def run(command):
    """The exit code of a command, and what it says on stderr."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise UserError(f"{command[0]}: {error.strerror}; check --mpirun and --program") from None
    with process:
        try:
            errors = process.communicate()[1]
        except BaseException:
            process.terminate()  # a launcher that is killed would leave its ranks behind
            process.wait()
            raise
    return process.returncode, errors


def tokens_per_second(metrics):
    return statistics.median(line["tokens_per_second"] for line in metrics[len(metrics) // 10 :])


def measure(arguments):
    """Of each layout, the speeds of its runs."""
    speeds = {layout: [] for layout in arguments.layouts}
    for _ in range(arguments.runs):
        for layout in speeds:
            # A folder for each: whoever trains nothing does not find what another has left.
            with tempfile.TemporaryDirectory(prefix="microgpt-measure-") as name:
                metrics = train(arguments, layout, Path(name))
            speeds[layout].append(tokens_per_second(metrics))
    return speeds


def print_table(speeds):
    base = statistics.median(next(iter(speeds.values())))
    print(f"{'ranks x threads':<18}{'tokens/s':>12}{'lowest':>12}{'highest':>12}{'ratio':>9}")
    for layout, values in speeds.items():
        median = statistics.median(values)
        print(f"{layout:<18}{median:>12.0f}{min(values):>12.0f}{max(values):>12.0f}{median / base:>9.3f}")


def main():
    arguments = parse_arguments()
    speeds = measure(arguments)
    print_table(speeds)
    if arguments.json:
        result = {"settings": arguments.set, "steps": arguments.steps, "tokens_per_second": speeds}
        write_whole(arguments.json, (json.dumps(result, indent=2) + "\n").encode("utf-8"))


if __name__ == "__main__":
    run_main(main)
