"""The picture of who looks at whom while the model reads a name: a map for each head of each layer.

The maps can be many, so they are put in place by hand, in inches: matplotlib's own layout would take long.
"""

import math

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from microgpt_tools.look.alphabet import Labels
from microgpt_tools.look.figure import PALE, can_draw

MAPS_IN_A_ROW = 8
MOST_TICKS = 32
LONGEST_TITLE = 24
# Inches.
SMALLEST_MAP, LARGEST_MAP, CELL = 1.9, 5.0, 0.16
TITLE_ROOM, MAP_TITLE_ROOM, COLOUR_BAR_ROOM, GAP = 0.55, 0.25, 0.9, 0.12
NARROWEST = 6.0  # for the title
SCALE = PowerNorm(0.5, vmin=0, vmax=1)  # among many characters each gets little


def attention_figure(found, layers, heads, positions, checkpoint):
    labels = Labels(checkpoint.characters, can_draw)
    tokens = [labels.token(token) for token in found.tokens[positions]]
    side = min(LARGEST_MAP, max(SMALLEST_MAP, CELL * len(tokens)))
    ticks = _Ticks(tokens, side)
    columns = min(len(heads), MAPS_IN_A_ROW)
    rows_of_a_layer = math.ceil(len(heads) / columns)
    column_width = side + 2 * GAP
    row_height = MAP_TITLE_ROOM + side + ticks.bottom + GAP
    width = max(NARROWEST, ticks.left + columns * column_width + COLOUR_BAR_ROOM)
    height = TITLE_ROOM + rows_of_a_layer * len(layers) * row_height
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("none")

    def add_axes(left, top, width_of_axes, height_of_axes):
        place = (left / width, 1 - (top + height_of_axes) / height)
        return figure.add_axes([*place, width_of_axes / width, height_of_axes / height])

    for layer_index, layer in enumerate(layers):
        for head in heads:
            row = layer_index * rows_of_a_layer + head // columns
            column = head % columns
            left = ticks.left + column * column_width
            axes = add_axes(left, TITLE_ROOM + row * row_height + MAP_TITLE_ROOM, side, side)
            image = _draw(axes, found.weights[layer, head, positions, positions], ticks, is_first=column == 0)
            axes.set_title(f"layer {layer}, head {head}", fontsize=9)

    bar_axes = add_axes(ticks.left + columns * column_width, TITLE_ROOM + MAP_TITLE_ROOM, 0.12, side)
    bar = figure.colorbar(image, cax=bar_axes, format=PercentFormatter(xmax=1))
    bar.outline.set_visible(False)
    figure.text(
        GAP / width, 1 - GAP / height, va="top", fontsize=10,
        s=f"Attention while reading “{labels.text(found.name, LONGEST_TITLE)}”:\n"
        "each row is a character, and how much it looks at itself and those before it",
    )  # fmt: skip
    return figure


class _Ticks:
    """The tokens along both axes, as many as fit, and the room that they need, in inches."""

    def __init__(self, tokens, side):
        stride = math.ceil(len(tokens) / MOST_TICKS)
        self.places = range(0, len(tokens), stride)
        self.names = [tokens[place] for place in self.places]
        self.size = 8 if len(self.names) <= 16 else 6
        widest = 0.012 * self.size * max(map(len, self.names))
        self.is_rotated = widest > side / len(self.names)
        self.left = GAP + widest
        self.bottom = widest if self.is_rotated else 0.15


def _draw(axes, weights, ticks, is_first):
    future = np.triu(np.ones_like(weights, dtype=bool), k=1)
    axes.set_facecolor(PALE)
    image = axes.imshow(np.ma.masked_array(weights, future), cmap="Blues", norm=SCALE)
    axes.set_xticks(ticks.places, ticks.names, fontsize=ticks.size, rotation=90 if ticks.is_rotated else 0)
    if is_first:
        axes.set_yticks(ticks.places, ticks.names, fontsize=ticks.size)
    else:
        axes.set_yticks([])
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(False)
    return image
