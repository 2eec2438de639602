"""The page of runs: charts, numbers, configs, samples."""

from microgpt_tools.plot.curves import AXES, mean_text
from microgpt_tools.plot.differences import common_keys, differing_keys, value_text

from microgpt_tools.plot.page import (
    axis_choice, chart_place, folded, grid, page, samples_card, section, table,
)  # fmt: skip
from microgpt_tools.plot.run_charts import run_charts
from microgpt_tools.plot.samples import draw_samples
from microgpt_tools.plot.summary import run_numbers

CHART_HINT = (
    "Thin: each logged step. Thick: {mean}. With marks: validation. "
    "Drag to zoom, double-click to go back, click a run's name to hide it."
)


def run_page(all_curves, names, labels, smooth, find_program, by):
    """The page as bytes.

    Charts call the runs by their labels, with settings, tables by their names; find_program gives the path
    of the program that draws samples.
    """
    title = labels[0] if len(labels) == 1 else f"{len(labels)} runs of microgpt"
    lead = ", ".join(str(curves.path) for curves in all_curves)
    sections, charts = run_sections(all_curves, names, labels, smooth, find_program, by)
    return page(title, lead, sections, charts)


def run_sections(all_curves, names, labels, smooth, find_program, by):
    """The sections of the page and its charts, which the page of a sweep has as well."""
    configs = [curves.config for curves in all_curves]
    sections = [
        section(
            "Loss",
            axis_choice(AXES[0] if by == "all" else by),
            chart_place("chart-loss"),
            hint=CHART_HINT.format(mean=mean_text(smooth)),
        ),
        section(
            "Learning rate and speed",
            grid(chart_place("chart-learning-rate"), chart_place("chart-speed")),
        ),
        section("Runs", _run_table(all_curves, names), hint="Click a column's name to sort by it."),
        section("Configs", *_config_tables(configs, names)),
        section(
            "Samples",
            grid(
                *(
                    samples_card(name, *draw_samples(find_program, curves.path))
                    for curves, name in zip(all_curves, names)
                ),
                least=220,
            ),
            hint="From each run's newest checkpoint, with the run's own seed and temperature.",
        ),
    ]
    return sections, run_charts(all_curves, labels, smooth)


def _run_table(all_curves, names):
    numbers = [run_numbers(curves) for curves in all_curves]
    keys = differing_keys([curves.config for curves in all_curves])
    rows = [
        [name, *row.values(), *(_cell(curves.config.get(key)) for key in keys)]
        for name, row, curves in zip(names, numbers, all_curves)
    ]
    return table(["run", *numbers[0], *keys], rows, swatches=True)


def _cell(value):
    is_plain = value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
    return value if is_plain else value_text({"": value}, "")


def _config_tables(configs, names):
    differing = differing_keys(configs)
    common = table(
        ["key", "value"],
        [[str(key), value_text(configs[0], key)] for key in common_keys(configs)],
        sortable=False,
    )
    if len(configs) == 1:
        return [common]
    if not differing:
        return ['<p class="hint">The configs are the same.</p>', folded("What they hold", common)]
    rows = [[str(key), *(value_text(config, key) for config in configs)] for key in differing]
    return [
        table(["key", *names], rows, sortable=False),
        folded(f"{len(common_keys(configs))} keys are the same in all", common),
    ]
