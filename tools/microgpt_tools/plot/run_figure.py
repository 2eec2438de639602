"""The picture of runs: their losses, overlaid, and below them the learning rate and the speed."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from microgpt_tools.pictures import DARK_GREY
from microgpt_tools.plot import palette
from microgpt_tools.plot.curves import AXES, faintness, loss_limits, mean_text, thin
from microgpt_tools.plot.legend import add_legend

AXIS_LABELS = {"step": "step", "documents": "documents", "seconds": "time (s)"}
ROUND = (1, 2, 2.5, 5, 10)  # multiples that ticks may have
MOST_MARKERS = 25  # on one curve of validation losses
LOSS_HEIGHT, LOWER_HEIGHT, GAP, TITLE = 3.6, 1.7, 0.75, 0.55  # inches


def draw_runs(all_curves, labels, smooth, by="all"):
    """The figure; `by` is one of AXES or "all", which makes a panel for each."""
    axes = AXES if by == "all" else (by,)
    width = 14 if by == "all" else 9
    figure = Figure(figsize=(width, 8))
    run_entries = [(_line(number, 2.2), label) for number, label in enumerate(labels)]
    legend_top = 0.2
    legend_top += add_legend(figure, run_entries, legend_top) + 0.12
    legend_top += add_legend(figure, _kinds(all_curves, smooth), legend_top) + 0.35

    height = legend_top + LOSS_HEIGHT + GAP + LOWER_HEIGHT + TITLE
    _set_height(figure, height)
    left, right = 0.85 / width, 1 - 0.25 / width
    upper = figure.add_gridspec(
        1, len(axes), left=left, right=right, wspace=0.12,
        top=1 - legend_top / height, bottom=1 - (legend_top + LOSS_HEIGHT) / height,
    )  # fmt: skip
    lower = figure.add_gridspec(
        1,
        2,
        left=left,
        right=right,
        wspace=1.8 / width,
        top=(TITLE + LOWER_HEIGHT) / height,
        bottom=TITLE / height,
    )

    limits = loss_limits(all_curves)
    for index, axis in enumerate(axes):
        panel = figure.add_subplot(upper[index])
        _draw_losses(panel, all_curves, axis, limits)
        if index == 0:
            panel.set_ylabel("loss (nats)")
    below = axes[0]
    _draw_learning_rate(figure.add_subplot(lower[0]), all_curves, below)
    _draw_speed(figure.add_subplot(lower[1]), all_curves, below)
    return figure


def _set_height(figure, height):
    """Makes the figure as high as this, while its legends stay so many inches below its top."""
    former = figure.get_size_inches()[1]
    for legend in figure.legends:
        box = legend.get_bbox_to_anchor().transformed(figure.transFigure.inverted())
        legend.set_bbox_to_anchor((box.x0, 1 - (1 - box.y0) * former / height), figure.transFigure)
    figure.set_figheight(height)


def _kinds(all_curves, smooth):
    """The legend's second part: which kind of line is what."""
    entries = [(Line2D([], [], color=DARK_GREY, linewidth=0.8, alpha=0.5), "training, each logged step")]
    if smooth != 1:
        entries.append((Line2D([], [], color=DARK_GREY, linewidth=2), f"training, {mean_text(smooth)}"))
    if any(np.isfinite(curves.columns["val_loss"]).any() for curves in all_curves):
        validation = Line2D(
            [], [], color=DARK_GREY, linewidth=1, marker="o", markersize=4.5, markerfacecolor="white"
        )
        entries.append((validation, "validation"))
    return entries


def _line(number, linewidth):
    return Line2D(
        [], [], color=palette.LIGHT[palette.colour_number(number)],
        linestyle=palette.LINES[palette.line_number(number)], linewidth=linewidth,
    )  # fmt: skip


def _draw_losses(panel, all_curves, axis, limits):
    extremes = []
    faint = faintness(all_curves)
    for number, curves in enumerate(all_curves):
        _draw_raw_and_mean(panel, curves, number, axis, "loss", faint)
        x, y = curves.series(axis, "val_loss")
        shown = thin(y)
        panel.plot(
            x[shown], y[shown], color=palette.LIGHT[palette.colour_number(number)], linewidth=1, zorder=4,
            marker=palette.MARKERS[palette.line_number(number)], markersize=4.5, markerfacecolor="white",
            markevery=_marker_places(shown.size), gid=f"val_loss-{axis}-{number}",
        )  # fmt: skip
        losses = curves.series(axis, "loss")[1]
        if losses.size:
            extremes += [losses.min(), losses.max()]
    if limits:
        panel.set_ylim(limits)
    beyond = 0.1 * (limits[1] - limits[0]) if limits else 0
    if limits and extremes and not limits[0] - beyond <= min(extremes) <= max(extremes) <= limits[1] + beyond:
        panel.annotate(
            f"single steps reach from {min(extremes):.3g} to {max(extremes):.3g}", (1, 1), (0, 3),
            xycoords="axes fraction", textcoords="offset points", ha="right", va="bottom",
            fontsize=8, color=DARK_GREY,
        )  # fmt: skip
    _finish(panel, axis)


def _marker_places(count):
    """Evenly spaced, and always the last."""
    if count == 0:
        return []
    return sorted(set(np.linspace(0, count - 1, min(count, MOST_MARKERS)).round().astype(int).tolist()))


def _draw_raw_and_mean(panel, curves, number, axis, quantity, faint):
    colour = palette.LIGHT[palette.colour_number(number)]
    x, y = curves.series(axis, quantity)
    shown = thin(y)
    # A line of one point is invisible.
    lone = {"marker": ".", "markersize": 5} if y.size == 1 else {}
    panel.plot(
        x[shown], y[shown], color=colour, linewidth=0.7, alpha=1 if lone else faint, zorder=2,
        gid=f"{quantity}-{axis}-{number}", **lone,
    )  # fmt: skip
    x, y = curves.series(axis, f"smoothed_{quantity}")
    shown = thin(y)
    panel.plot(
        x[shown], y[shown], color=colour, linewidth=1.8, zorder=3,
        linestyle=palette.LINES[palette.line_number(number)], gid=f"smoothed_{quantity}-{axis}-{number}",
    )  # fmt: skip


def _draw_learning_rate(panel, all_curves, axis):
    for number, curves in enumerate(all_curves):
        x, y = curves.series(axis, "learning_rate")
        shown = thin(y)
        line = _line(number, 1.8)
        panel.plot(
            x[shown], y[shown], color=line.get_color(), linestyle=line.get_linestyle(), linewidth=1.8,
            marker="." if y.size == 1 else "", gid=f"learning_rate-{axis}-{number}",
        )  # fmt: skip
    panel.set_ylim(bottom=0)
    panel.set_ylabel("learning rate")
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:.6g}")
    panel.yaxis.set_major_locator(MaxNLocator(5, steps=ROUND))
    _finish(panel, axis)


def _draw_speed(panel, all_curves, axis):
    fastest = [0]
    faint = faintness(all_curves)
    for number, curves in enumerate(all_curves):
        _draw_raw_and_mean(panel, curves, number, axis, "tokens_per_second", faint)
        speeds = curves.series(axis, "tokens_per_second")[1]
        if speeds.size:
            fastest.append(np.percentile(speeds, 99))
    panel.set_ylim(0, max(fastest) * 1.1 or 1)
    panel.set_ylabel("tokens/s")
    panel.yaxis.set_major_formatter(EngFormatter())
    panel.yaxis.set_major_locator(MaxNLocator(5, steps=ROUND))
    _finish(panel, axis)


def _finish(panel, axis):
    panel.set_xlabel(AXIS_LABELS[axis])
    panel.margins(x=0.02)
    panel.set_xlim(left=0)
    panel.xaxis.set_major_locator(MaxNLocator(6, steps=ROUND, integer=axis != "seconds"))
    if axis != "seconds":
        panel.xaxis.set_major_formatter(_count)


def _count(value, _):
    if value >= 1_000_000:
        return f"{value / 1e6:g} M"
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
