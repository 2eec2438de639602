"""The page of a sweep: its charts, its trials, and the runs of the best of them."""

from optuna.trial import TrialState

from microgpt_tools.errors import UserError
from microgpt_tools.plot.curves import read_curves
from microgpt_tools.plot.labels import labels, short_names
from microgpt_tools.plot.page import chart_place, grid, page, section, table, text_html
from microgpt_tools.plot.run_page import run_sections
from microgpt_tools.plot.sweep_charts import sweep_charts
from microgpt_tools.plot.sweep_study import STATES, loss_text, run_folders

BEST_TRIALS = 5
CHART_HINT = (
    "Trials with a much higher loss than most lie above the charts: double-click one to see all of it."
)


def sweep_page(sweep, smooth, find_program, by):
    """The page as bytes."""
    best = sweep.ranked()[0]
    lead = f"{sweep.path}: {sweep.summary()}; best is trial {best.number}, {sweep.objective} {loss_text(best.value)}"
    charts, slices = sweep_charts(sweep)
    importance = chart_place("chart-importance", "Importance (fANOVA)")
    if "chart-importance" not in charts:
        importance = (
            f'<div><h3>Importance (fANOVA)</h3><p class="hint">{text_html(sweep.importances()[1])}</p></div>'
        )
    sections = [
        section(
            "What was found", grid(chart_place("chart-progress", "Progress"), importance), hint=CHART_HINT
        ),
        section(
            "Parallel coordinates",
            chart_place("chart-parallel"),
            hint="Each line is a complete trial: the stronger the better, the best in orange.",
        ),
        section(
            "Parameters against the objective",
            grid(*(chart_place(name) for name in slices), least=260),
        ),
        section("Trials", _trial_table(sweep), hint="Click a column's name to sort by it."),
    ]
    best_sections, best_charts = _best_runs(sweep, smooth, find_program, by)
    return page(f"Sweep {sweep.name}", lead, sections + best_sections, charts | best_charts)


def _trial_table(sweep):
    parameters = [parameter.name for parameter in sweep.parameters()]
    rows = []
    for trial in sorted(sweep.trials, key=_by_objective):
        seconds = trial.duration.total_seconds() if trial.duration else None
        attributes = trial.user_attrs
        rows.append(
            [
                trial.number,
                STATES[trial.state],
                trial.value,
                _number(attributes.get("std")),
                *(trial.params.get(name) for name in parameters),
                seconds,
                _text(attributes.get("run_folders")),
                _text(attributes.get("error")),
            ]
        )
    names = ["trial", "state", sweep.objective, "std", *parameters, "seconds", "run folders", "error"]
    # A column in which nothing stands says nothing.
    kept = [index for index in range(len(names)) if any(row[index] is not None for row in rows)]
    return table([names[index] for index in kept], [[row[index] for index in kept] for row in rows])


def _by_objective(trial):
    is_complete = trial.state == TrialState.COMPLETE
    return (not is_complete, trial.value if is_complete else 0, trial.number)


def _number(value):
    return value if isinstance(value, (int, float)) else None


def _text(value):
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    return None if value is None else str(value)


def _best_runs(sweep, smooth, find_program, by):
    """The sections of the best trials' runs, those that can be read, each with its first seed."""
    paths = []
    for trial in sweep.ranked():
        paths += [folder for folder in run_folders(sweep, trial)[:1] if _is_readable(folder)]
        if len(paths) == BEST_TRIALS:
            break
    if not paths:
        hint = "None of the trials' run folders is there, so there are no curves and no samples."
        return [section("Best trials", hint=hint)], {}
    all_curves = read_curves(paths, smooth)
    names = short_names(paths)
    labelled = labels(paths, [curves.config for curves in all_curves])
    heading = f"<h1>The best {len(paths)} trials</h1>" if len(paths) > 1 else "<h1>The best trial</h1>"
    sections, charts = run_sections(all_curves, names, labelled, smooth, find_program, by)
    return [heading, *sections], charts


def _is_readable(folder):
    try:
        read_curves([folder])
    except UserError:
        return False
    return True
