#!/usr/bin/env python3
"""Searches the settings of microgpt that give the lowest loss; see --help."""

import signal
import sys

from microgpt_tools.packages import require_packages

# Until there are trials to save, Ctrl-C just ends the script; the imports below take a second.
signal.signal(signal.SIGINT, signal.SIG_DFL)
require_packages("optuna", "yaml", "rich")

from microgpt_tools.errors import run_main  # noqa: E402
from microgpt_tools.sweep.main import main  # noqa: E402

run_main(lambda: main(sys.argv[1:]))
