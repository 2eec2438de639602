"""The findings in a terminal: bars, shaded grids, and lists of neighbours."""

import bisect

from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from microgpt_tools.look.alphabet import Labels
from microgpt_tools.look.findings import entropy, nearest_neighbours
from microgpt_tools.look.selection import MOST_CHARACTERS

WIDEST_BAR = 60
MOST_NEIGHBOURS = 6
LONGEST_TITLE = 24
EIGHTHS = " ▏▎▍▌▋▊▉█"
SHADES = " ░▒▓█"
PLAIN_SHADES = " .:*#"
SHADE_BEGINS = (0.02, 0.1, 0.3, 0.6)  # from which share on the second and later ones are used


class Terminal:
    """Prints to stdout, as wide as the terminal, with the characters that its encoding has."""

    def __init__(self, checkpoint):
        self.console = Console(highlight=False, markup=False, emoji=False)
        self.checkpoint = checkpoint
        self.labels = Labels(checkpoint.characters, self._can_show)
        self.is_plain = not self._can_show(EIGHTHS + SHADES)

    def _can_show(self, text):
        try:
            text.encode(self.console.encoding)
        except UnicodeEncodeError:
            return False
        return True

    def heading(self, text):
        self.console.print(Text(text, style="bold"), soft_wrap=True)

    def line(self, text=""):
        self.console.print(Text(text), soft_wrap=True)

    def probabilities(self, found):
        arrow = "->" if self.is_plain else "→"
        prefix = self.labels.text(found.prefix, LONGEST_TITLE)
        where = f"after {prefix}" if found.prefix else "first character"
        self.heading(f"{where}: entropy {entropy(found.before):.2f} {arrow} {entropy(found.after):.2f} nats")
        tokens = found.most_probable(MOST_CHARACTERS)
        table = Table.grid(padding=(0, 2))
        for justify in ("left", "right", "right", "left"):
            table.add_column(justify=justify, no_wrap=True)
        table.add_row("", "before", "after")
        labels = [self.labels.token(token, bos="end") for token in tokens]
        width = min(WIDEST_BAR, self.console.width - max(map(cell_len, labels)) - 22)
        for label, token in zip(labels, tokens):
            before, after = found.before[token], found.after[token]
            bar = self._bar(after / found.after.max(), width)
            table.add_row(Text(label), f"{before:.2%}", f"{after:.2%}", Text(bar))
        self.console.print(table)
        if len(tokens) < len(found.after):
            rest = 1 - found.after[tokens].sum()
            self.line(f"and {len(found.after) - len(tokens):,} more, which share {rest:.1%}")
        self.line()

    def _bar(self, part, width):
        eighths = round(part * max(width, 1) * 8)
        if self.is_plain:
            return "#" * round(eighths / 8)
        return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()

    def attention(self, found, layers, heads, positions):
        shades = PLAIN_SHADES if self.is_plain else SHADES
        positions = self._fitting(found, positions)
        tokens = [self.labels.token(token) for token in found.tokens[positions]]
        self.heading(f"attention while reading {self.labels.text(found.name, LONGEST_TITLE)}")
        legend = "  ".join(f"{shade} {begin:.0%}" for shade, begin in zip(shades[1:], SHADE_BEGINS))
        self.line(f"how much each row looks at itself and those before: {legend}")
        for layer in layers:
            self.line()
            weights = found.weights[layer, :, positions, positions]
            grids = [_grid(f"layer {layer}, head {head}", tokens, weights[head], shades) for head in heads]
            self.console.print(Columns(grids, padding=(1, 3)))
        self.line()

    def _fitting(self, found, positions):
        """Of these positions the last ones, as many as a grid has room for in one line."""
        margin, column = _grid_widths([self.labels.token(token) for token in found.tokens[positions]])
        fitting = max(1, (self.console.width - margin) // column)
        return slice(max(positions.start, positions.stop - fitting), positions.stop)

    def embeddings(self, tokens):
        """The nearest neighbours of some tokens among all."""
        nearest, cosines = nearest_neighbours(self.checkpoint.parameters["wte"], tokens, MOST_NEIGHBOURS)
        rows = [
            [Text(f"{self.labels.token(other)} {value:.2f}") for other, value in zip(neighbours, likeness)]
            for neighbours, likeness in zip(nearest, cosines)
        ]
        names = [Text(self.labels.token(token)) for token in tokens]
        room = self.console.width - max(name.cell_len for name in names)
        fitting = max(1, room // (2 + max(cell.cell_len for row in rows for cell in row)))
        self.heading("embeddings: the characters most alike (cosine of their vectors)")
        table = Table.grid(padding=(0, 2))
        for name, row in zip(names, rows):
            table.add_row(name, *row[:fitting])
        self.console.print(table)


def _grid_widths(tokens):
    """The margin for the labels of rows, and a column."""
    # BOS stands first and may reach into the margin; the others need their own column.
    return max(map(cell_len, tokens)) + 1, 1 + max(map(cell_len, tokens[1:]), default=1)


def _grid(title, tokens, weights, shades):
    margin, column = _grid_widths(tokens)
    lines = [
        title,
        _right(tokens[0], margin + column) + "".join(_right(token, column) for token in tokens[1:]),
    ]
    for reader, label in enumerate(tokens):
        levels = [bisect.bisect(SHADE_BEGINS, weight) for weight in weights[reader, : reader + 1]]
        cells = "".join(shades[level] * column for level in levels)
        lines.append(_right(label, margin - 1) + " " + cells)
    return Text("\n".join(lines), no_wrap=True)


def _right(text, width):
    return " " * (width - cell_len(text)) + text
