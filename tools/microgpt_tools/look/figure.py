"""How the pictures of look.py look beyond what all pictures share: colours, room, and which characters can be drawn.

The colours are Okabe and Ito's, which those with colour-blindness tell apart too.
"""

import functools

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

BLUE = "#0072B2"
ORANGE = "#D55E00"
GREY = "#999999"
PALE = "#E6E6E6"
STYLE = {
    "axes.grid": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
}


def can_draw(text):
    """Whether the font has every character."""
    return all(_font().get_char_index(ord(character)) for character in text)


@functools.cache
def _font():
    return FT2Font(font_manager.findfont("DejaVu Sans"))
