"""Colours that people with any colour vision tell apart: those of Okabe and Ito, without the yellow.

Each run has a number; beyond the last colour they begin again with another kind of line and marker.
The page has a dark variant, lighter so that it reads on a dark ground.
"""

LIGHT = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444")
DARK = ("#4fa8e0", "#f0803c", "#2fc79a", "#e39bc4", "#f2b83b", "#9bd8fa", "#bbbbbb")

LINES = ("solid", "dashed", "dashdot", "dotted")
MARKERS = ("o", "s", "^", "D")
PLOTLY_LINES = ("solid", "dash", "dashdot", "dot")
PLOTLY_MARKERS = ("circle", "square", "triangle-up", "diamond")


def colour_number(run_number):
    return run_number % len(LIGHT)


def line_number(run_number):
    return run_number // len(LIGHT) % len(LINES)
