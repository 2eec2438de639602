"""The style of the pictures, and how they become a PNG and an SVG.

The same data gives the same bytes: no dates, no random names, no regard for a user's matplotlibrc.
Text stays text in the SVG, so that it can be searched and read out.
"""

import io
import logging
import warnings
from contextlib import contextmanager

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg

from microgpt_tools.plot.output import write_whole

GREY = "#666666"
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
def style():
    """All drawing happens in here."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A character that the font lacks is drawn as a box; the SVG has it all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from current font")
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def save(figure, name):
    """Writes NAME.png and NAME.svg; returns both paths."""
    FigureCanvasAgg(figure)
    contents = {}
    for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix, metadata=metadata)
        contents[f"{name}.{suffix}"] = buffer.getvalue()
    for path, content in contents.items():
        write_whole(path, content)
    return list(contents)


def add_legend(figure, entries, top, columns=None):
    """A legend of (handle, label) at the top of the figure, in as many columns as fit its width.

    `top` is the distance from the figure's top edge in inches; returns the legend's height in inches.
    """
    width, height = figure.get_size_inches()
    for count in range(min(len(entries), columns or 6), 0, -1):
        legend = figure.legend(
            [handle for handle, _ in entries],
            [str(index) for index in range(len(entries))],
            loc="upper left",
            bbox_to_anchor=(0.3 / width, 1 - top / height),
            borderaxespad=0,
            borderpad=0,
            ncol=count,
            columnspacing=2,
            handlelength=2.4,
        )
        # Only afterwards: a legend leaves out labels that begin with an underscore.
        for text, (_, label) in zip(legend.get_texts(), entries):
            text.set_text(label)
        box = legend.get_window_extent(FigureCanvasAgg(figure).get_renderer())
        if count == 1 or box.width <= (width - 0.6) * figure.dpi:
            return box.height / figure.dpi
        legend.remove()
    return 0
