"""What a sweep shows while it runs: a table on a terminal, a line for each trial anywhere else."""

import sys
import time

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from microgpt_tools.sweep.outcomes import best_of, is_finished, outcome
from microgpt_tools.sweep.parameters import value_text

TABLE_ROWS = 10  # where they fit
ANY_WIDTH = 10_000
REFRESH = 0.25  # seconds


def make_view(definition, search):
    return LiveTable(definition, search) if sys.stdout.isatty() else PlainLines(definition, search)


class PlainLines:
    """One line for each trial that ends here."""

    def __init__(self, definition, search):
        self._definition = definition
        self._search = search

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def show(self, running):
        pass

    def ended(self, trial):
        trials = self._search.trials()
        finished = sum(is_finished(other) for other in trials)
        best = best_of(trials)
        words = [
            f"trial {trial.number:4}",
            f"{outcome(trial):11}",
            result_text(trial) or trial.user_attrs.get("error", ""),
            params_text(self._definition, trial),
            f"| {finished}/{self._search.wanted}" + (f", best {best.value:.4f}" if best else ""),
        ]
        print("  ".join(words), flush=True)


class LiveTable:
    """The best trials, those at work, and how long it will take."""

    def __init__(self, definition, search):
        self._definition = definition
        self._search = search
        self._started = time.monotonic()
        self._finished_before = sum(is_finished(trial) for trial in search.trials())
        self._next_refresh = 0
        # No thread of rich's: what starts processes had better have one thread.
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False)

    def __enter__(self):
        self._live.__enter__()
        return self

    def __exit__(self, kind, *error):
        if kind is None:
            self._draw([])
        self._live.__exit__(kind, *error)

    def show(self, running):
        if time.monotonic() >= self._next_refresh:
            self._next_refresh = time.monotonic() + REFRESH
            self._draw(running)

    def ended(self, trial):
        self._next_refresh = 0

    def _draw(self, running):
        trials = self._search.trials()
        complete = (trial for trial in trials if outcome(trial) == "complete")
        best = sorted(complete, key=lambda trial: trial.value)[:TABLE_ROWS]
        frame = self._frame(trials, best, running)
        while best and len(self._console.render_lines(frame)) > self._console.height:
            best.pop()
            frame = self._frame(trials, best, running)
        self._live.update(frame, refresh=True)

    def _frame(self, trials, best, running):
        parts = [self._headline(trials), self._table(best)]
        if running:
            parts.append(Text("at work  " + ", ".join(self._progress(each) for each in running), style="dim"))
        return Group(*parts)

    def _table(self, trials):
        """With a column for each parameter, or in a narrow terminal one for all of them."""
        wide = wide_table(self._definition, trials)
        width = self._console.measure(wide, options=self._console.options.update(width=ANY_WIDTH)).maximum
        return wide if width <= self._console.width else narrow_table(self._definition, trials)

    def _headline(self, trials):
        counts = {}
        for trial in trials:
            counts[outcome(trial)] = counts.get(outcome(trial), 0) + 1
        finished = sum(is_finished(trial) for trial in trials)
        text = f"{self._definition.study}: {finished} of {self._search.wanted} trials"
        others = [f"{count} {word}" for word, count in counts.items() if word not in ("complete", "waiting")]
        if others:
            text += f" ({', '.join(others)})"
        elapsed = time.monotonic() - self._started
        text += f", {clock(elapsed)}"
        done_here = finished - self._finished_before
        left = self._search.wanted - finished
        if done_here > 0 and left > 0:
            text += f", about {clock(elapsed / done_here * left)} left"
        return Text(text, style="bold")

    def _progress(self, running):
        step, val_loss = running.progress()
        text = f"trial {running.trial.number}"
        if step is not None:
            text += f" step {step}"
        return text + (f" {val_loss:.4f}" if val_loss is not None else "")


def wide_table(definition, trials):
    table = Table(box=None, pad_edge=False)
    table.add_column("trial", justify="right")
    table.add_column(definition.measure, justify="right")
    for parameter in definition.parameters:
        table.add_column(parameter.name, justify="right")
    table.add_column("seconds", justify="right")
    for trial in trials:
        table.add_row(
            str(trial.number),
            result_text(trial),
            *(short_text(trial.params[parameter.name]) for parameter in definition.parameters),
            f"{trial.duration.total_seconds():.1f}",
        )
    return table


def narrow_table(definition, trials):
    table = Table(box=None, pad_edge=False)
    table.add_column("trial", justify="right", no_wrap=True)
    table.add_column(definition.measure, justify="right", no_wrap=True)
    table.add_column("settings", overflow="fold")
    for trial in trials:
        table.add_row(str(trial.number), result_text(trial), params_text(definition, trial))
    return table


def result_text(trial):
    """The value, with its spread over seeds where there are several; "" if there is none."""
    if trial.value is None:
        return ""
    spread = trial.user_attrs.get("std")
    return f"{trial.value:.4f}" + (f" ± {spread:.4f}" if spread is not None else "")


def params_text(definition, trial):
    names = [parameter.name for parameter in definition.parameters]  # a database has an order of its own
    return " ".join(f"{name}={short_text(trial.params[name])}" for name in names if name in trial.params)


def short_text(value):
    return f"{value:.4g}" if isinstance(value, float) else value_text(value)


def clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
