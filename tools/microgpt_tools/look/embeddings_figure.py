"""The picture of what the model makes of characters and positions.

Their vectors have n_embd numbers; a picture has two. It shows them from where they differ most.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from microgpt_tools.look.alphabet import Labels
from microgpt_tools.look.figure import BLUE, ORANGE, can_draw
from microgpt_tools.pictures import DARK_GREY
from microgpt_tools.look.findings import principal_plane
from microgpt_tools.look.label_places import place_labels

VOWELS = "aeiouAEIOU"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLOURS = {"vowel": ORANGE, "consonant": BLUE, "other": DARK_GREY}
FEW_POINTS = 100
MOST_LABELS = 300
GAP = 3.5  # points between a dot and its label


def embeddings_figure(checkpoint):
    labels = Labels(checkpoint.characters, can_draw)
    figure = Figure(figsize=(11, 5.6))
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])

    characters = principal_plane(checkpoint.parameters["wte"])
    colours = _draw_characters(left, characters, checkpoint.characters)
    positions = principal_plane(checkpoint.parameters["wpe"])
    right.plot(*positions.points.T, color=BLUE, linewidth=0.8, alpha=0.5, zorder=1)
    _draw_points(right, positions, [BLUE] * len(positions.points))
    right.set_title("The positions in the text, from 0 (wpe)")

    # Labels need to know where the points come to lie, which must not change any more then.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    tokens = range(checkpoint.vocabulary_size)
    _label(left, characters.points, [labels.token(token) for token in tokens], colours)
    numbers = [str(position) for position in range(len(positions.points))]
    _label(right, positions.points, numbers, [BLUE] * len(numbers))
    return figure


def _draw_characters(axes, plane, characters):
    """Returns the colour of each token."""
    if any(character in LETTERS for character in characters):
        kinds = [_kind(character) for character in characters] + ["other"]
        for kind in [kind for kind in COLOURS if kind in kinds]:
            axes.scatter([], [], s=14, color=COLOURS[kind], label=f"{kind}s")
        corner = {"loc": "lower right", "bbox_to_anchor": (1, 1)}
        axes.legend(**corner, ncols=len(COLOURS), handletextpad=0.1, columnspacing=1)
        colours = [COLOURS[kind] for kind in kinds]
    else:
        colours = [BLUE] * (len(characters) + 1)
    _draw_points(axes, plane, colours)
    axes.set_title("The characters (wte)")
    return colours


def _kind(character):
    if character not in LETTERS:
        return "other"
    return "vowel" if character in VOWELS else "consonant"


def _draw_points(axes, plane, colours):
    axes.scatter(*plane.points.T, s=14 if len(colours) <= FEW_POINTS else 4, c=colours)
    # The line below is for what _label() has to say.
    axes.set_xlabel(f"first direction: {plane.explained[0]:.0%} of the variance\n")
    axes.set_ylabel(f"second direction: {plane.explained[1]:.0%} of the variance")
    axes.margins(0.08)
    axes.set_aspect("equal", adjustable="datalim")  # distances are what the picture is about


def _label(axes, points, names, colours):
    """Writes names beside their points, those of the outermost first, which tell most, and counts the rest."""
    distances = np.linalg.norm(points - points.mean(axis=0), axis=1)
    halo = [withStroke(linewidth=2.5, foreground="white")]  # a line may pass behind
    texts = {
        i: axes.text(0, 0, names[i], color=colours[i], ha="center", va="center", path_effects=halo)
        for i in np.argsort(-distances, kind="stable")[:MOST_LABELS]
    }
    sizes = {i: text.get_window_extent().size for i, text in texts.items()}
    gap = GAP * axes.figure.dpi / 72
    centres = place_labels(axes.transData.transform(points), sizes, gap, axes.bbox.extents)
    for i, text in texts.items():
        if centres[i] is None:
            text.remove()
        else:
            text.set_position(axes.transData.inverted().transform(centres[i]))
    bare = len(names) - len(axes.texts)
    if bare:
        axes.set_xlabel(f"{axes.get_xlabel()}no room for the labels of {bare:,} of {len(names):,} points")
