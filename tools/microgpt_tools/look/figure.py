"""How every picture looks, and how it gets into its files.

The colours are Okabe and Ito's, which those with colour-blindness tell apart too. Equal findings make
equal files, byte for byte: no dates, no random names, no regard for a user's matplotlibrc.
"""

import contextlib
import functools
import io
import logging
import os
import tempfile

# No window is opened, whatever the user's environment asks for.
os.environ["MPLBACKEND"] = "agg"
# Nor does it announce on stderr that it looks for fonts, or has no folder for what it finds.
logging.getLogger("matplotlib").setLevel(logging.ERROR)

import matplotlib
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from microgpt_tools.errors import UserError

BLUE = "#0072B2"
ORANGE = "#D55E00"
GREY = "#999999"
DARK_GREY = "#666666"  # for text
PALE = "#E6E6E6"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "savefig.dpi": 150,
    "svg.hashsalt": "microgpt",
    "text.parse_math": False,  # a $ is a character like any other
}


@contextlib.contextmanager
def picture_style():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def can_draw(text):
    """Whether the font has every character."""
    return all(_font().get_char_index(ord(character)) for character in text)


@functools.cache
def _font():
    return FT2Font(font_manager.findfont("DejaVu Sans"))


def render(figure):
    """The bytes of a figure as PNG and as SVG, by suffix."""
    images = {}
    for suffix in ("png", "svg"):
        buffer = io.BytesIO()
        metadata = {"Date": None} if suffix == "svg" else {"Software": None}
        figure.savefig(buffer, format=suffix, metadata=metadata)
        images[suffix] = buffer.getvalue()
    return images


def write_files(files):
    """Writes contents by path; each file is whole, or what it was before."""
    for path, content in files.items():
        try:
            _write_whole(path, content)
        except OSError as error:
            reason = f"cannot be written: {error.strerror}; give another name with --out"
            raise UserError(f"{path}: {reason}") from None


def _write_whole(path, content):
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o666 & ~_umask())  # a temporary file is its owner's only
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask():
    # The only way to read it is to set it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
