"""What a sweep leaves behind: best.cfg, trials.csv, and the base.cfg that its trials start from."""

import csv
import io

import yaml

from microgpt_tools.program import effective_config
from microgpt_tools.sweep.outcomes import best_of, outcome
from microgpt_tools.sweep.parameters import value_text
from microgpt_tools.sweep.running_trial import BASE_CONFIG
from microgpt_tools.sweep.view import params_text, result_text
from microgpt_tools.whole_file import replace_file

BEST_CONFIG = "best.cfg"
TRIALS = "trials.csv"


class Results:
    """The result files, kept up to date."""

    def __init__(self, definition, search):
        self._definition = definition
        self._search = search
        self._best_number = None

    def write_base(self):
        """The config of all trials: what somebody edits meanwhile does not change the sweep."""
        header = (
            f"# What every trial of this sweep starts from: {self._definition.config} and its overrides.\n"
        )
        self._write_config(BASE_CONFIG, header, self._definition.base)

    def write(self):
        trials = self._search.trials()
        replace_file(self._definition.folder / TRIALS, self._table(trials).encode("utf-8"))
        best = best_of(trials)
        if best and best.number != self._best_number:
            self._write_best(best)
            self._best_number = best.number

    def _write_best(self, trial):
        settings = self._definition.settings(trial.params) | {
            "seed": self._definition.seeds_of(trial.params)[0]
        }
        config = effective_config(
            self._definition.program,
            self._definition.folder / BASE_CONFIG,
            [f"{key}={value_text(value)}" for key, value in settings.items()],
        )
        header = (
            f"# The best trial, number {trial.number}, of the sweep '{self._definition.study}' from "
            f"{self._definition.config}:\n"
            f"# {params_text(self._definition, trial)}, {self._definition.measure} {result_text(trial)}"
            f"{self._explanation()}.\n"
        )
        self._write_config(BEST_CONFIG, header, config)

    def _explanation(self):
        if self._definition.seeds > 1:
            return f", the mean over {self._definition.seeds} seeds, of which this is the first"
        return ""

    def _write_config(self, name, header, config):
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=1000)
        replace_file(self._definition.folder / name, f"{header}\n{text}".encode("utf-8"))

    def _table(self, trials):
        names = [parameter.name for parameter in self._definition.parameters]
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(
            ["number", "state", "value", "std", *names, "seeds", "seconds", "machine", "run_folders", "error"]
        )
        for trial in trials:
            attributes = trial.user_attrs
            table.writerow(
                [
                    trial.number,
                    outcome(trial),
                    trial.value,
                    attributes.get("std"),
                    *(trial.params.get(name) for name in names),
                    " ".join(str(seed) for seed in attributes.get("seeds", [])),
                    round(trial.duration.total_seconds(), 3) if trial.duration else None,
                    attributes.get("machine"),
                    " ".join(attributes.get("run_folders", [])),
                    attributes.get("error"),
                ]
            )
        return text.getvalue()
