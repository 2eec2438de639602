"""The frame of the page, one self-contained file, and the parts that both kinds of page have.

A part is HTML as text. Text from outside becomes HTML in text_html() and in cells() only.
"""

import html
import json
import math
from pathlib import Path
from string import Template

import plotly.utils
from plotly.offline import get_plotlyjs

from microgpt_tools.plot import palette
from microgpt_tools.plot.curves import AXES
from microgpt_tools.plot.printable import printable
from microgpt_tools.plot.run_figure import AXIS_LABELS

HERE = Path(__file__).parent
MISSING = "–"


def text_html(text):
    return html.escape(printable(text))


def page(title, lead, sections, charts):
    """The whole page, as bytes; `charts` are plotly figures by the id of their place."""
    return (
        Template((HERE / "page.html").read_text(encoding="utf-8"))
        .substitute(
            title=text_html(title),
            lead=text_html(lead),
            sections="\n".join(sections),
            palette=_palette_style(),
            style=(HERE / "page.css").read_text(encoding="utf-8"),
            script=(HERE / "page.js").read_text(encoding="utf-8"),
            plotly=get_plotlyjs(),
            charts=script_json({name: chart.to_plotly_json() for name, chart in charts.items()}),
        )
        .encode("utf-8")
    )


def _palette_style():
    def colours(values):
        return " ".join(f"--run-{number}: {value};" for number, value in enumerate(values))

    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {colours(palette.DARK)} }} }}"
    return f":root {{ {colours(palette.LIGHT)} }}\n{dark}"


def script_json(content):
    """JSON that cannot end the script element it stands in, whatever texts it holds."""
    return json.dumps(content, cls=plotly.utils.PlotlyJSONEncoder).replace("<", "\\u003c")


def section(title, *parts, hint=""):
    hint = f'<p class="hint">{text_html(hint)}</p>' if hint else ""
    return f"<section><h2>{text_html(title)}</h2>{hint}{''.join(parts)}</section>"


def grid(*parts, least=340):
    """Side by side as many as find room, each at least so many pixels wide."""
    return f'<div class="grid" style="--least: {least}px">{"".join(parts)}</div>'


def chart_place(name, title=""):
    heading = f"<h3>{text_html(title)}</h3>" if title else ""
    return f'<div>{heading}<figure class="chart" id="{name}"></figure></div>'


def axis_choice(chosen):
    """The buttons that choose against what the curves are drawn."""
    inputs = (
        f'<label><input type="radio" name="axis" value="{axis}" data-title="{AXIS_LABELS[axis]}"'
        f'{" checked" if axis == chosen else ""}><span>by {axis}</span></label>'
        for axis in AXES
    )
    return f'<div class="choice" role="radiogroup" aria-label="horizontal axis">{"".join(inputs)}</div>'


def table(names, rows, swatches=False, sortable=True):
    """A table that sorts by the column whose name is clicked.

    A value may be text, a number or None; with `swatches`, rows begin with the colours of runs.
    """
    is_number = [
        all(_is_number(row[index]) or row[index] is None for row in rows) for index in range(len(names))
    ]
    heads = "".join(
        f'<th scope="col"{_number_class(number)}>{_head(name, sortable)}</th>'
        for name, number in zip(names, is_number)
    )
    lines = []
    for row_number, row in enumerate(rows):
        swatch = _swatch(row_number) if swatches else ""
        lines.append(f"<tr>{cells(row, is_number, swatch)}</tr>")
    return (
        f'<div class="scroll"><table{" class=sortable" if sortable else ""}><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def cells(row, is_number, swatch=""):
    parts = []
    for index, (value, number) in enumerate(zip(row, is_number)):
        sort_key = "" if value is None else html.escape(printable(value))
        shown = MISSING if value is None else text_html(number_text(value) if _is_number(value) else value)
        kind = _number_class(number) or (' class="wide"' if len(shown) > 60 else "")
        parts.append(
            f'<td{kind} data-sort="{sort_key}">{swatch if index == 0 else ""}<bdi>{shown}</bdi></td>'
        )
    return "".join(parts)


def _head(name, sortable):
    return f'<button type="button">{text_html(name)}</button>' if sortable else text_html(name)


def _swatch(row_number):
    colour = palette.colour_number(row_number)
    return f'<span class="swatch" style="background: var(--run-{colour})"></span>'


def _number_class(number):
    return ' class="number"' if number else ""


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number_text(value):
    """A number for reading: losses to four digits behind the point, counts in groups."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 1000:
        return number_text(round(value))
    return f"{value:.4f}" if abs(value) >= 0.1 else f"{value:.4g}"


def samples_card(label, samples, reason):
    content = f'<p class="hint">{text_html(reason)}</p>' if reason else f"<pre>{html.escape(samples)}</pre>"
    return f"<div><h3>{text_html(label)}</h3>{content}</div>"


def folded(title, content):
    return f"<details><summary>{text_html(title)}</summary>{content}</details>"
