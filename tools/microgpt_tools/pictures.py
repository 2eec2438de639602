"""The style of the pictures, and how they become a PNG and an SVG.

The same data gives the same bytes: no dates, no random names, no regard for a user's matplotlibrc.
Text stays text in the SVG, so that it can be searched and read out.
"""

import io
import logging
import os
import warnings
from contextlib import contextmanager

# No window is opened, whatever the user's environment asks for.
os.environ["MPLBACKEND"] = "agg"
# Nor does it announce on stderr that it looks for fonts, or has no folder for what it finds.
logging.getLogger("matplotlib").setLevel(logging.ERROR)

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg

from microgpt_tools.whole_file import write_whole

DARK_GREY = "#666666"  # for text
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica", "sans-serif"],
    "font.size": 9,
    "text.parse_math": False,  # a folder may have dollars in its name
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "microgpt",
    "savefig.dpi": 150,
}


@contextmanager
def style(**changes):
    """All drawing happens in here; `changes` are settings of matplotlib that differ for some pictures."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A character that the font lacks is drawn as a box; the SVG has it all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from current font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE | changes)
        yield


def render(figure, name):
    """The files NAME.png and NAME.svg: their contents by path."""
    FigureCanvasAgg(figure)
    contents = {}
    for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix, metadata=metadata)
        contents[f"{name}.{suffix}"] = buffer.getvalue()
    return contents


def save(contents):
    """Writes what render() gave; returns the paths."""
    for path, content in contents.items():
        write_whole(path, content)
    return list(contents)
