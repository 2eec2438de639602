"""The page's charts of runs: the losses, by steps, documents or seconds, the learning rate, the speed."""

import numpy as np

from microgpt_tools.plot import palette
from microgpt_tools.plot.charts import PLAIN, escaped, new_chart, numbers
from microgpt_tools.plot.curves import AXES, faintness, loss_limits, mean_text, thin
from microgpt_tools.plot.run_figure import AXIS_LABELS

HOVER = "%{xaxis.title.text} %{x:,.6~g}<br>%{yaxis.title.text} %{y:.5~g}"
HEIGHT, LEGEND_ROW = 420, 20  # pixels


def run_charts(all_curves, labels, smooth):
    """The charts by the id of their place on the page."""
    legend = min(len(labels) * LEGEND_ROW, HEIGHT)  # plotly gives it half of a chart, then it scrolls
    faint = faintness(all_curves)
    loss = new_chart(AXIS_LABELS["step"], "loss (nats)", height=HEIGHT + legend)
    for number, (curves, label) in enumerate(zip(all_curves, labels)):
        loss.add_trace(_line(curves, number, label, "loss", width=1, opacity=faint, kind="training loss"))
        kind = f"training loss, {mean_text(smooth)}"
        loss.add_trace(_line(curves, number, label, "smoothed_loss", width=2.2, kind=kind))
        loss.add_trace(
            _line(curves, number, label, "val_loss", width=1.2, kind="validation loss", marks=True)
        )
        # Invisible: so the legend shows each run, even one without a curve yet.
        loss.add_trace(_legend_entry(number, label))
    limits = loss_limits(all_curves)
    if limits:
        loss.update_yaxes(range=limits)
    loss.update_layout(
        showlegend=True,
        margin={"b": 56 + legend},
        legend={
            "orientation": "v",
            "tracegroupgap": 0,
            "x": 0,
            "xanchor": "left",
            "y": -56 / 332,
            "yanchor": "top",
        },
    )

    learning_rate = new_chart(AXIS_LABELS["step"], "learning rate")
    speed = new_chart(AXIS_LABELS["step"], "tokens/s")
    for number, (curves, label) in enumerate(zip(all_curves, labels)):
        learning_rate.add_trace(_line(curves, number, label, "learning_rate", width=2, kind="learning rate"))
        speed.add_trace(
            _line(curves, number, label, "tokens_per_second", width=1, opacity=faint, kind="tokens/s")
        )
        kind = f"tokens/s, {mean_text(smooth)}"
        speed.add_trace(_line(curves, number, label, "smoothed_tokens_per_second", width=2, kind=kind))
    learning_rate.update_yaxes(tickformat=PLAIN)
    for chart in (learning_rate, speed):
        chart.update_yaxes(rangemode="tozero")
    for chart in (loss, learning_rate, speed):
        chart.update_xaxes(rangemode="tozero")
    return {"chart-loss": loss, "chart-learning-rate": learning_rate, "chart-speed": speed}


def _line(curves, number, label, quantity, width, kind, opacity=1, marks=False):
    y = curves.columns[quantity]
    there = np.flatnonzero(np.isfinite(y))
    there = there[thin(y[there])]
    lone = there.size == 1
    return {
        "type": "scatter",
        "mode": "lines+markers" if marks or lone else "lines",
        "name": escaped(label),
        "legendgroup": str(number),
        "showlegend": False,
        "y": numbers(y[there]),
        "opacity": opacity,
        "line": {"width": width, "dash": palette.PLOTLY_LINES[palette.line_number(number)]},
        "marker": {"size": 6, "symbol": palette.PLOTLY_MARKERS[palette.line_number(number)]},
        "hovertemplate": f"{kind}<br>{HOVER}",
        "meta": {
            "colour": palette.colour_number(number),
            "x": {axis: numbers(curves.columns[axis][there]) for axis in AXES},
        },
    }


def _legend_entry(number, label):
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escaped(label),
        "legendgroup": str(number),
        "x": [None],
        "y": [None],
        "line": {"width": 3, "dash": palette.PLOTLY_LINES[palette.line_number(number)]},
        "meta": {"colour": palette.colour_number(number)},
    }
