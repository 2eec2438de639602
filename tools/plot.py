#!/usr/bin/env python3
"""Pictures of runs and sweeps: loss curves, what a sweep found, and a page to explore both."""

import argparse
import os
import sys
from pathlib import Path

from microgpt_tools.arguments import Parser
from microgpt_tools.errors import UserError, run_main
from microgpt_tools.packages import plain_interrupts, require_packages

EXAMPLES = """\
examples:
  tools/plot.py runs/small-1                     runs/small-1/curves.png and curves.svg
  tools/plot.py runs/small-* --by documents      runs overlaid: curves.png and .svg in the current folder
  tools/plot.py runs/small-1 --smooth 100 --out small
  tools/plot.py runs/small-* --html runs.html    a page: zoom, hover, tables, configs, samples
  tools/plot.py sweeps/small                     sweeps/small/sweep.png and sweep.svg: what a sweep found
  tools/plot.py sweeps/small --html sweep.html   its page, with the best trials' curves and samples

A run or a sweep that goes on is drawn as far as it has come. Documents are steps times the batch_size of
the run's config.cfg. The thick line is a centred mean: at each logged step the mean of the losses of
--smooth steps around it.
"""


def parse_arguments():
    parser = Parser(
        description="Draws the curves of runs, or the results of a sweep.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folders",
        metavar="DIR",
        nargs="+",
        type=Path,
        help="a run's folder, or several, or the folder of one sweep",
    )
    parser.add_argument(
        "--by", choices=("step", "documents", "seconds", "all"),
        help="against what the losses are drawn (default: all, a panel for each)",
    )  # fmt: skip
    parser.add_argument(
        "--smooth", metavar="STEPS", type=int,
        help="window of the mean in steps; 1: no smoothing (default: a twentieth of each run)",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="NAME",
        help="write NAME.png and NAME.svg (default: curves or sweep, in the folder that is plotted, or in the"
        " current one for several runs; with --html and no --out: no pictures)",
    )  # fmt: skip
    parser.add_argument("--html", metavar="FILE", type=Path, help="write one self-contained page, NAME.html")
    parser.add_argument("--program", metavar="FILE", help="the microgpt that draws the page's samples")
    return parser.parse_args()


def refuse_what_only_pages_have(arguments, is_sweep):
    if arguments.program is not None:
        raise UserError(f"--program {arguments.program}: only a page has samples to draw; add --html or leave it out")
    for option, value in (("--by", arguments.by), ("--smooth", arguments.smooth)):
        if is_sweep and value is not None:
            raise UserError(f"{option} {value}: only a sweep's page has curves; add --html or leave it out")


def main():
    arguments = parse_arguments()
    if arguments.smooth is not None and arguments.smooth < 1:
        raise UserError(f"--smooth {arguments.smooth}: must be at least 1")
    # A sweep's folder holds its definition.
    sweeps = [folder for folder in arguments.folders if os.path.exists(folder / "sweep.yml")]
    if sweeps and len(arguments.folders) > 1:
        raise UserError(f"{sweeps[0]}: is a sweep, which is plotted alone, without other folders")
    if not arguments.html:
        refuse_what_only_pages_have(arguments, bool(sweeps))
    arguments.by = arguments.by or "all"
    require_packages(
        "numpy", "yaml", "h5py", "matplotlib", "plotly", *(["optuna", "sklearn"] if sweeps else [])
    )
    with plain_interrupts():
        from microgpt_tools.plot.commands import plot_runs, plot_sweep

    # A folder's name need not be text, and a terminal need not know every character.
    sys.stdout.reconfigure(errors="backslashreplace")
    if sweeps:
        plot_sweep(arguments)
    else:
        plot_runs(arguments)


if __name__ == "__main__":
    run_main(main)
