"""What all charts of the page share: plotly figures without colours of their own, page.js puts them in.

A trace's `meta` says what page.js needs: `colour`, the number of a colour of the palette or the name of
one of the page's; `x`, the trace's coordinates on each axis that can be chosen.

Plotly reads names and hover texts as a kind of HTML, and %{…} in them as something to be filled in: all text
from outside goes through escaped().
"""

import html

import plotly.graph_objects as go

from microgpt_tools.plot.printable import printable


PLAIN = ".6~g"  # 0.0005 and 1e-7, where plotly by itself writes 500µ and 100n

TITLE_GAP = 10  # pixels between the labels of an axis and its title


def escaped(text):
    return html.escape(printable(text), quote=False).replace("%{", "%&#123;")


def new_chart(x_title, y_title, height=300):
    figure = go.Figure()
    figure.update_layout(
        template=go.layout.Template(),  # none: the style is the page's
        height=height,
        margin={"l": 64, "r": 16, "t": 32, "b": 48},
        xaxis={"title": {"text": x_title}, "zeroline": False},
        yaxis={"title": {"text": y_title, "standoff": TITLE_GAP}, "zeroline": False, "automargin": True},
        hovermode="closest",
        showlegend=False,
        uirevision="kept",
    )
    return figure


def numbers(values):
    """An array as a list for JSON, with as many digits as anyone can see."""
    return [float(f"{value:.7g}") for value in values]
