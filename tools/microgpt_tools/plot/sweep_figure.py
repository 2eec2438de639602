"""The picture of a sweep: progress, importance, all parameters side by side, each against the objective."""

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from optuna.trial import TrialState

from microgpt_tools.pictures import DARK_GREY
from microgpt_tools.plot.palette import LIGHT
from microgpt_tools.plot.legend import add_legend
from microgpt_tools.plot.printable import printable, shorten
from microgpt_tools.plot.sweep_study import loss_text, setting_text

BLUE, VERMILLION = LIGHT[0], LIGHT[1]
WIDTH, SLICE_COLUMNS = 14, 4
TOP_HEIGHT, PARALLEL_HEIGHT, SLICE_HEIGHT, GAP = 2.9, 2.9, 2.4, 0.85  # inches
MOST_LINES = 500  # of parallel coordinates: more are a blot
MOST_ERROR_BARS = 60
MOST_LEVEL_NAMES = 7  # below the axes of parallel coordinates
LONGEST_NAME = 24
WIDE = 100  # from end to end of a logarithmic axis, which then has labels at powers of ten only

COMPLETE = {"marker": "o", "markersize": 5.5, "color": BLUE, "alpha": 0.75, "markeredgewidth": 0}
PRUNED = {"marker": "o", "markersize": 4.5, "markerfacecolor": "none", "markeredgecolor": "#999999"}
FAILED = {"marker": "x", "markersize": 5, "markeredgecolor": DARK_GREY}
BEST = {"marker": "*", "markersize": 13, "color": VERMILLION, "markeredgecolor": "white"}


def draw_sweep(sweep):
    parameters = sweep.parameters()
    columns = min(SLICE_COLUMNS, max(1, len(parameters)))
    rows = math.ceil(len(parameters) / columns)
    figure = Figure(figsize=(WIDTH, 8))
    limits = objective_limits(sweep)

    top = 0.55
    height = top + 0.6 + TOP_HEIGHT + GAP + PARALLEL_HEIGHT + rows * (GAP + SLICE_HEIGHT) + 0.6
    figure.set_figheight(height)
    best = sweep.ranked()[0]
    found = f"best is trial {best.number}, {sweep.objective} {loss_text(best.value)}"
    figure.text(0.3 / WIDTH, 1 - 0.3 / height, f"{shorten(sweep.name, 60)}: {sweep.summary()}; {found}",
                fontsize=11, fontweight="bold", va="center")  # fmt: skip
    top += add_legend(figure, _kinds(sweep), top) + 0.4

    def row(height_of_row, **options):
        nonlocal top
        grid = figure.add_gridspec(
            left=0.75 / WIDTH, right=1 - 0.3 / WIDTH, top=1 - top / height,
            bottom=1 - (top + height_of_row) / height, **options,
        )  # fmt: skip
        top += height_of_row + GAP
        return grid

    grid = row(TOP_HEIGHT, nrows=1, ncols=2, width_ratios=(2, 1), wspace=0.28)
    _draw_progress(figure.add_subplot(grid[0]), sweep, limits)
    _draw_importances(figure.add_subplot(grid[1]), sweep)
    _draw_parallel(figure.add_subplot(row(PARALLEL_HEIGHT, nrows=1, ncols=1)[0]), sweep, parameters, limits)
    for first in range(0, len(parameters), columns):
        grid = row(SLICE_HEIGHT, nrows=1, ncols=columns, wspace=0.12)
        for column, parameter in enumerate(parameters[first : first + columns]):
            panel = figure.add_subplot(grid[column])
            _draw_slice(panel, sweep, parameter, limits)
            if column == 0:
                panel.set_ylabel(f"{sweep.objective} (nats)")
            else:
                panel.tick_params(labelleft=False)
    return figure


def objective_limits(sweep):
    """The range of objectives worth drawing: from the best to where outliers begin."""
    values = [trial.value for trial in sweep.ranked()]
    low, three_quarters = np.percentile(values, (0, 75))
    # Four times as far from the best as three quarters of the trials are.
    high = min(max(values), low + 4 * (three_quarters - low)) if three_quarters > low else max(values)
    spread = max((trial.user_attrs.get("std") or 0 for trial in sweep.ranked() if trial.value <= high), default=0)
    margin = max(0.06 * (high - low), 1.1 * spread) or 0.01
    return float(low - margin), float(high + margin)


def objective_ticks(sweep, limits):
    """(part of the way from limit to limit, text) for an axis on whose end lies all that is above it."""
    low, high = limits
    is_cut = sweep.ranked()[-1].value > high
    ticks = [(part, loss_text(low + part * (high - low), 3)) for part in (0, 1 / 3, 2 / 3, 1)]
    return [*ticks[:-1], (1, f"≥ {ticks[-1][1]}" if is_cut else ticks[-1][1])]


def _kinds(sweep):
    entries = [(Line2D([], [], linestyle="", **COMPLETE), "complete trial")]
    if sweep.in_state(TrialState.PRUNED):
        entries.append((Line2D([], [], linestyle="", **PRUNED), "pruned trial, at its last value"))
    if sweep.in_state(TrialState.FAIL):
        entries.append((Line2D([], [], linestyle="", **FAILED), "failed trial"))
    limit = objective_limits(sweep)[1]
    above = {trial.state for trial in sweep.trials if trial.value is not None and trial.value > limit}
    if above:
        look = COMPLETE if TrialState.COMPLETE in above else PRUNED
        entries.append((Line2D([], [], linestyle="", **{**look, "marker": "^"}), "above the range"))
    entries.append((Line2D([], [], linestyle="", **BEST), "best trial"))
    entries.append((Line2D([], [], color=VERMILLION, linewidth=1.8), "best so far"))
    return entries


def _draw_progress(panel, sweep, limits):
    _draw_points(panel, sweep, limits, lambda trial: trial.number)
    failed = [trial.number for trial in sweep.in_state(TrialState.FAIL)]
    panel.plot(failed, [limits[1]] * len(failed), linestyle="", clip_on=False, **FAILED)
    numbers, values = zip(*sweep.best_so_far())
    last = max(trial.number for trial in sweep.trials)
    panel.step(
        [*numbers, last], [*values, values[-1]], where="post", color=VERMILLION, linewidth=1.8, zorder=2
    )
    panel.set_title("Progress", pad=12)
    panel.set_xlabel("trial")
    panel.set_ylabel(f"{sweep.objective} (nats)")
    panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    panel.set_ylim(limits)


def _draw_points(panel, sweep, limits, place):
    """Each trial at (place(trial), objective); those above the limits are triangles on the upper edge."""
    for state, look in ((TrialState.PRUNED, PRUNED), (TrialState.COMPLETE, COMPLETE)):
        trials = [
            trial for trial in sweep.in_state(state) if trial.value is not None and place(trial) is not None
        ]
        for above, marker in ((False, look["marker"]), (True, "^")):
            drawn = [trial for trial in trials if (trial.value > limits[1]) == above]
            panel.plot(
                [place(trial) for trial in drawn], [min(trial.value, limits[1]) for trial in drawn],
                linestyle="", clip_on=False, zorder=3, **{**look, "marker": marker},
            )  # fmt: skip
        spreads = [trial.user_attrs.get("std") or 0 for trial in trials]
        if state == TrialState.COMPLETE and any(spreads) and len(trials) <= MOST_ERROR_BARS:
            panel.errorbar(
                [place(trial) for trial in trials], [trial.value for trial in trials], yerr=spreads,
                fmt="none", ecolor=BLUE, elinewidth=0.8, alpha=0.5, zorder=2,
            )  # fmt: skip
    best = sweep.ranked()[0]
    if place(best) is not None:
        panel.plot([place(best)], [best.value], linestyle="", clip_on=False, zorder=4, **BEST)


def _draw_importances(panel, sweep):
    importances, reason = sweep.importances()
    panel.set_title("Importance: part of the objective's variance (fANOVA)", pad=12)
    if reason:
        _say(panel, f"no importances:\n{reason}")
        return
    names = list(importances)[::-1]
    bars = panel.barh(range(len(names)), [importances[name] for name in names], color=BLUE, height=0.6)
    panel.bar_label(bars, fmt="%.2f", padding=4)
    panel.set_yticks(range(len(names)), [_name(name) for name in names])
    panel.grid(axis="y", visible=False)
    panel.set_xlim(0, max(importances.values()) * 1.15 or 1)


def _say(panel, text):
    panel.text(0.5, 0.5, text, transform=panel.transAxes, ha="center", va="center", color=DARK_GREY, wrap=True)
    panel.set_xticks([])
    panel.set_yticks([])
    panel.grid(False)


def _draw_parallel(panel, sweep, parameters, limits):
    panel.set_title("Parallel coordinates of complete trials, dark: good", pad=12)
    trials = [
        trial for trial in sweep.ranked() if all(parameter.name in trial.params for parameter in parameters)
    ]
    if not trials or not parameters:
        _say(panel, "no parameters that all trials have")
        return
    if len(trials) > MOST_LINES:
        panel.set_title(f"Parallel coordinates of the best {MOST_LINES} trials, dark: good", pad=12)
    low, high = limits

    def place(value):
        return (min(value, high) - low) / (high - low)

    scale = colormaps["viridis"]
    for rank, trial in reversed(list(enumerate(trials[:MOST_LINES]))):
        y = [parameter.fraction(trial.params[parameter.name]) for parameter in parameters]
        is_best = rank == 0
        panel.plot(
            range(len(parameters) + 1), [*y, place(trial.value)],
            color=VERMILLION if is_best else scale(0.92 * max(0, place(trial.value))),
            linewidth=2.4 if is_best else 1, alpha=1 if is_best else 0.6, clip_on=False,
        )  # fmt: skip
    for index, parameter in enumerate(parameters):
        ticks = parameter.ticks()
        if len(ticks) > 8:
            ticks = [ticks[0], ticks[-1]]
        _draw_axis(panel, index, [(parameter.fraction(tick), setting_text(tick)) for tick in ticks])
    _draw_axis(panel, len(parameters), objective_ticks(sweep, limits))
    names = [_name(parameter.name) for parameter in parameters]
    panel.set_xticks(range(len(parameters) + 1), [*names, f"{sweep.objective} (nats)"])
    panel.tick_params(axis="x", length=0, pad=10)
    # The last name is long, and would leave the paper; many would run into each other.
    if len(names) <= MOST_LEVEL_NAMES:
        panel.get_xticklabels()[-1].set_ha("right")
    else:
        panel.tick_params(axis="x", labelsize=7)
        for label in panel.get_xticklabels():
            label.set(rotation=20, ha="right", rotation_mode="anchor")
    panel.set_yticks([])
    panel.set_ylim(0, 1)
    panel.set_xlim(-0.02 * len(parameters), len(parameters) * 1.05)
    panel.grid(False)
    for spine in panel.spines.values():
        spine.set_visible(False)


def _draw_axis(panel, x, ticks):
    panel.plot([x, x], [0, 1], color="#444444", linewidth=1, zorder=5, clip_on=False)
    for y, text in ticks:
        panel.annotate(
            text, (x, y), (4, 0), textcoords="offset points", va="center", fontsize=8, zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}, annotation_clip=False,
        )  # fmt: skip


def _draw_slice(panel, sweep, parameter, limits):
    if parameter.choices is not None:
        _draw_points(panel, sweep, limits, lambda trial: _choice_place(parameter, trial))
        texts = [shorten(setting_text(choice), 12) for choice in parameter.choices]
        panel.set_xticks(range(len(texts)), texts, rotation=0 if len(texts) <= 6 else 45)
        panel.set_xlim(-0.5, len(texts) - 0.5)
    else:
        _draw_points(panel, sweep, limits, lambda trial: trial.params.get(parameter.name))
        _set_scale(panel.xaxis, panel, parameter)
    panel.set_ylim(limits)
    panel.set_xlabel(_name(parameter.name) + (" (log)" if parameter.is_log else ""))


def _choice_place(parameter, trial):
    value = trial.params.get(parameter.name)
    return None if value is None else parameter.choices.index(value)


def _set_scale(axis, panel, parameter):
    if parameter.is_log and parameter.high > parameter.low:
        panel.set_xscale("log")
        is_wide = parameter.high / parameter.low > WIDE
        axis.set_major_locator(LogLocator(subs=(1,) if is_wide else (1, 2, 5)))
        axis.set_minor_formatter(NullFormatter())
    elif parameter.high > parameter.low:
        axis.set_major_locator(MaxNLocator(5))
    else:
        axis.set_major_locator(FixedLocator([parameter.low]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))


def _name(name):
    return shorten(printable(name), LONGEST_NAME)
