#!/usr/bin/env python3
"""What a trained model learned: next characters, attention and embeddings, as pictures or text."""

import argparse
import sys

from microgpt_tools.arguments import Parser
from microgpt_tools.errors import run_main
from microgpt_tools.packages import plain_interrupts, require_packages

EXAMPLES = """\
It writes NAME-probabilities, NAME-attention and NAME-embeddings, each as .png and .svg.

examples:
  tools/look.py runs/small-1                              the newest checkpoint of a run
  tools/look.py runs/small-1 --text                       the same in the terminal
  tools/look.py runs/small-1/best.h5 --out pictures/best  pictures/best-probabilities.png and so on
  tools/look.py runs/small-1 --prefix "" --prefix an --name anna
  tools/look.py runs/text-1 --layer 2 --layer 3           two layers of a deep model
"""


def parse_arguments():
    parser = Parser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT", help="checkpoint, or a run's folder: its latest.h5"
    )
    parser.add_argument(
        "--prefix", action="append", metavar="TEXT",
        help='show what comes after it; may be repeated; "" is the beginning (default: e)',
    )  # fmt: skip
    parser.add_argument(
        "--name", metavar="TEXT",
        help="text that the attention is shown for (default: kalia, or what the model makes up)",
    )  # fmt: skip
    parser.add_argument(
        "--layer", action="append", type=int, metavar="N",
        help="layer that the attention is shown of, from 0; may be repeated (default: all that fit)",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="NAME",
        help="where the pictures go, without suffix (default: look, in the checkpoint's folder)",
    )  # fmt: skip
    parser.add_argument("--text", action="store_true", help="print to the terminal, write no pictures")
    arguments = parser.parse_args()
    if arguments.text and arguments.out is not None:
        parser.error("--out: --text writes no pictures; leave one of them out")
    return arguments


def main():
    arguments = parse_arguments()
    require_packages("h5py", "numpy", "yaml", "rich" if arguments.text else "matplotlib")
    with plain_interrupts():
        from microgpt_tools.look.report import show_pictures, show_text

    # A file's name need not be text, and a terminal need not know every character.
    sys.stdout.reconfigure(errors="backslashreplace")
    if arguments.text:
        show_text(arguments)
    else:
        show_pictures(arguments)
    sys.stdout.flush()


if __name__ == "__main__":
    run_main(main)
