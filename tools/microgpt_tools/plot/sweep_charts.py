"""The page's charts of a sweep: progress, importance, parallel coordinates, each parameter."""

import math

from optuna.trial import TrialState

from microgpt_tools.plot.charts import PLAIN, TITLE_GAP, escaped, new_chart
from microgpt_tools.plot.sweep_figure import MOST_LINES, WIDE, objective_limits, objective_ticks
from microgpt_tools.plot.sweep_study import setting_text

STATES = (
    # state, word, name of the page's colour, symbol
    (TrialState.PRUNED, "pruned", "--muted", "circle-open"),
    (TrialState.COMPLETE, "complete", 0, "circle"),
)


def sweep_charts(sweep):
    """The charts by the id of their place on the page, and the ids of those of the parameters."""
    parameters = sweep.parameters()
    charts = {"chart-progress": _progress(sweep), "chart-parallel": _parallel(sweep, parameters)}
    importances, _ = sweep.importances()
    if importances:
        charts["chart-importance"] = _importance(importances)
    slices = []
    for index, parameter in enumerate(parameters):
        charts[f"chart-slice-{index}"] = _slice(sweep, parameter)
        slices.append(f"chart-slice-{index}")
    return charts, slices


def _hover(trial):
    settings = "<br>".join(
        f"{escaped(key)} = {escaped(setting_text(value))}" for key, value in trial.params.items()
    )
    return f"trial {trial.number}: <b>{trial.value:.4f}</b><br>{settings}"


def _points(sweep, place):
    """A trace for each state, and one for the best trial; place(trial) is where it lies on the x axis."""
    traces = []
    for state, word, colour, symbol in STATES:
        trials = [
            trial for trial in sweep.in_state(state) if trial.value is not None and place(trial) is not None
        ]
        traces.append(_marks(trials, place, word, colour, {"symbol": symbol, "size": 8}))
    best = [trial for trial in sweep.ranked()[:1] if place(trial) is not None]
    traces.append(_marks(best, place, "best", 1, {"symbol": "star", "size": 15}))
    return traces


def _marks(trials, place, word, colour, marker):
    return {
        "type": "scatter",
        "mode": "markers",
        "name": word,
        "x": [place(trial) for trial in trials],
        "y": [trial.value if math.isfinite(trial.value) else None for trial in trials],
        "text": [_hover(trial) for trial in trials],
        "hovertemplate": "%{text}",
        "marker": marker,
        "meta": {"colour": colour},
    }


def _objective_chart(sweep, x_title, height=300):
    chart = new_chart(x_title, f"{escaped(sweep.objective)} (nats)", height)
    chart.update_yaxes(range=objective_limits(sweep))
    return chart


def _progress(sweep):
    chart = _objective_chart(sweep, "trial", height=380)
    numbers, values = zip(*sweep.best_so_far())
    last = max(trial.number for trial in sweep.trials)
    chart.add_trace(
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best so far",
            "x": [*numbers, last],
            "y": [*values, values[-1]],
            "line": {"shape": "hv", "width": 2},
            "hoverinfo": "skip",
            "meta": {"colour": 1},
        }
    )
    chart.add_traces(_points(sweep, lambda trial: trial.number))
    chart.update_layout(
        showlegend=True, legend={"orientation": "h", "y": -0.2, "yanchor": "top"}, margin={"b": 84}
    )
    return chart


def _importance(importances):
    chart = new_chart("part of the objective's variance", "", height=380)
    names = list(importances)[::-1]
    chart.add_trace(
        {
            "type": "bar",
            "orientation": "h",
            "x": [importances[name] for name in names],
            "y": [escaped(name) for name in names],
            "texttemplate": "%{x:.2f}",
            "textposition": "outside",
            "cliponaxis": False,
            "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
            "meta": {"colour": 0},
        }
    )
    chart.update_yaxes(automargin=True, type="category")
    chart.update_xaxes(range=[0, 1.2 * max(importances.values()) or 1])
    return chart


def _slice(sweep, parameter):
    title = escaped(parameter.name)
    if parameter.choices is not None:
        chart = _objective_chart(sweep, title)
        texts = [escaped(setting_text(choice)) for choice in parameter.choices]

        def place(trial):
            value = trial.params.get(parameter.name)
            return None if value is None else parameter.choices.index(value)

        chart.update_xaxes(
            tickvals=list(range(len(texts))), ticktext=texts, range=[-0.5, len(texts) - 0.5],
            automargin=True, title={"standoff": TITLE_GAP},
        )  # fmt: skip
        chart.add_traces(_points(sweep, place))
        return chart
    chart = _objective_chart(sweep, f"{title} (log)" if parameter.is_log else title)
    chart.add_traces(_points(sweep, lambda trial: trial.params.get(parameter.name)))
    chart.update_xaxes(tickformat=PLAIN, nticks=5, automargin=True, title={"standoff": TITLE_GAP})
    if parameter.is_log:
        chart.update_xaxes(type="log", dtick=_log_step(parameter))
    return chart


def _log_step(parameter):
    """Ticks at powers of ten, or also at 2 and 5 times these, or where even those are rare at plotly's choice."""
    ratio = parameter.high / parameter.low
    return 1 if ratio > WIDE else "D2" if ratio >= 5 else None


def _parallel(sweep, parameters):
    """Lines, not plotly's own parallel coordinates: those need WebGL, which not every browser has."""
    chart = new_chart("", "", height=380)
    limits = objective_limits(sweep)
    trials = [trial for trial in sweep.ranked() if all(each.name in trial.params for each in parameters)]
    for rank, trial in reversed(list(enumerate(trials[:MOST_LINES]))):
        part = min(1.0, max(0.0, (trial.value - limits[0]) / (limits[1] - limits[0])))
        chart.add_trace(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"trial {trial.number}",
                "x": list(range(len(parameters) + 1)),
                "y": [*(each.fraction(trial.params[each.name]) for each in parameters), part],
                "text": [_hover(trial)] * (len(parameters) + 1),
                "hovertemplate": "%{text}<extra></extra>",
                "line": {"width": 3 if rank == 0 else 1.2},
                "marker": {"size": 4},
                "opacity": 1 if rank == 0 else 0.7 - 0.5 * part,
                "meta": {"colour": 1 if rank == 0 else 0},
            }
        )
    for index, parameter in enumerate(parameters):
        ticks = parameter.ticks()
        for value in ticks if len(ticks) <= 8 else (ticks[0], ticks[-1]):
            _add_tick(chart, index, parameter.fraction(value), setting_text(value))
    for part, text in objective_ticks(sweep, limits):
        _add_tick(chart, len(parameters), part, text)
    names = [*(escaped(each.name) for each in parameters), escaped(sweep.objective)]
    chart.update_xaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[-0.1, len(names) - 0.6], automargin=True
    )
    chart.update_yaxes(visible=False, range=[-0.04, 1.04])
    chart.update_layout(margin={"l": 16})
    return chart


def _add_tick(chart, x, y, text):
    chart.add_annotation(
        x=x, y=y, text=escaped(text), showarrow=False, xanchor="left", xshift=4, font={"size": 11}
    )
