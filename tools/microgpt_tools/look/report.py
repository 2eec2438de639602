"""From the arguments of look.py to what it shows: reads, computes, then writes everything at once."""

import os
from pathlib import Path

from microgpt_tools.errors import UserError
from microgpt_tools.look import findings, selection
from microgpt_tools.look.alphabet import encode
from microgpt_tools.look.checkpoint import read_checkpoint
from microgpt_tools.look.initial import initial_parameters
from microgpt_tools.whole_file import check_name

SUFFIXES = (".png", ".svg")
LONGEST_SUFFIX = "-probabilities.png"


class Findings:
    """All that is shown, whichever way, with notes on what does not fit."""

    def __init__(self, arguments):
        selection.check_prefixes(arguments.prefix or ())
        self.checkpoint = read_checkpoint(arguments.checkpoint)
        config = self.checkpoint.config
        self.layers, layers_note = selection.select_layers(arguments.layer, config)
        self.heads, heads_note = selection.select_heads(config)
        name = findings.default_name(self.checkpoint) if arguments.name is None else arguments.name
        self.attention = findings.attention(name, self.checkpoint)
        self.positions, positions_note = selection.select_positions(self.attention)
        self.notes = [note for note in (layers_note, heads_note, positions_note) if note]

        prefixes = arguments.prefix or [findings.default_prefix(self.checkpoint)]
        for prefix in prefixes:
            encode(prefix, self.checkpoint.characters, "--prefix")  # before the long part
        initial = initial_parameters(self.checkpoint)
        self.next_characters = [
            findings.next_character(prefix, self.checkpoint, initial) for prefix in prefixes
        ]


def show_text(arguments):
    # Only here: rich is not needed for pictures, nor matplotlib for text.
    from microgpt_tools.look.text import Terminal

    found = Findings(arguments)
    terminal = Terminal(found.checkpoint)
    for next_character in found.next_characters:
        terminal.probabilities(next_character)
    terminal.attention(found.attention, found.layers, found.heads, found.positions)
    terminal.embeddings(found.next_characters[0].most_probable(selection.MOST_CHARACTERS))
    for note in found.notes:
        terminal.line(f"note: {note}")


def show_pictures(arguments):
    from microgpt_tools import pictures
    from microgpt_tools.look.attention_figure import attention_figure
    from microgpt_tools.look.embeddings_figure import embeddings_figure
    from microgpt_tools.look.figure import STYLE
    from microgpt_tools.look.probabilities_figure import probabilities_figure

    name = None if arguments.out is None else _checked_name(arguments.out)
    found = Findings(arguments)
    name = name or found.checkpoint.path.parent / "look"
    with pictures.style(**STYLE):
        figures = {
            "probabilities": probabilities_figure(found.next_characters, found.checkpoint),
            "attention": attention_figure(
                found.attention, found.layers, found.heads, found.positions, found.checkpoint
            ),
            "embeddings": embeddings_figure(found.checkpoint),
        }
        files = {}
        for what, figure in figures.items():
            files |= pictures.render(figure, f"{name}-{what}")
    for note in found.notes:
        print(f"note: {note}")
    for path in pictures.save(files):
        print(path)


def _checked_name(name):
    """Refuses before a long computation what cannot be written after it."""
    suffix = Path(name).suffix
    if suffix in SUFFIXES:
        raise UserError(f"--out {name}: give the name without {suffix}: every picture is written as PNG and SVG")
    if os.path.isdir(name) or name.endswith("/"):
        name = os.path.join(name, "look")
    check_name("--out", name, LONGEST_SUFFIX)
    return name
