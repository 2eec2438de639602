"""A sweep's study: what was searched, what came of each trial, and what mattered."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
from optuna.trial import TrialState

from microgpt_tools.errors import UserError
from microgpt_tools.plot.printable import printable
from microgpt_tools.plot.sweep_storage import DEFINITION, read_definition, read_study
from microgpt_tools.run_folder import read_config
from microgpt_tools.sweep.outcomes import DUPLICATE, INTERRUPTED, KILLED, LOST

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
NO_FAILURES = (INTERRUPTED, KILLED, LOST, DUPLICATE)
OBJECTIVES = {"best": "best val_loss", "final": "final val_loss"}


@dataclass(frozen=True)
class Parameter:
    """One searched parameter: how its values lie on an axis, from 0 to 1."""

    name: str
    is_log: bool
    choices: list  # None for a range
    low: float
    high: float

    def fraction(self, value):
        """Where the value lies between the parameter's ends."""
        if self.choices is not None:
            return self.choices.index(value) / max(1, len(self.choices) - 1)
        if self.high <= self.low:
            return 0.5
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self):
        """Values worth a label on an axis."""
        if self.choices is not None:
            return self.choices
        if self.high <= self.low:
            return [self.low]
        middle = math.sqrt(self.low * self.high) if self.is_log else (self.low + self.high) / 2
        return [self.low, middle, self.high]


@dataclass(frozen=True)
class Sweep:
    path: Path
    study: optuna.Study  # a copy in memory
    objective: str

    @property
    def name(self):
        return printable(self.path.resolve().name)

    @property
    def trials(self):
        """Without attempts that failed through no fault of theirs, and stand in the study once more."""
        return [trial for trial in self.study.trials if trial.user_attrs.get("failure") not in NO_FAILURES]

    def in_state(self, state):
        """The trials; of the complete ones, those whose objective can be drawn."""
        found = [trial for trial in self.trials if trial.state == state]
        return [trial for trial in found if state != TrialState.COMPLETE or math.isfinite(trial.value)]

    def ranked(self):
        """The complete trials, the best first."""
        return sorted(self.in_state(TrialState.COMPLETE), key=lambda trial: (trial.value, trial.number))

    def best_so_far(self):
        """(number, value) of each complete trial that was better than all before it."""
        best = []
        for trial in self.in_state(TrialState.COMPLETE):
            if not best or trial.value < best[-1][1]:
                best.append((trial.number, trial.value))
        return best

    def parameters(self):
        """All that was searched, by name."""
        distributions = {}
        for trial in self.trials:
            for name, distribution in trial.distributions.items():
                distributions.setdefault(name, []).append(distribution)
        return [self._parameter(name, all_of_it) for name, all_of_it in sorted(distributions.items())]

    def _parameter(self, name, distributions):
        values = [trial.params[name] for trial in self.trials if name in trial.params]
        if any(isinstance(each, optuna.distributions.CategoricalDistribution) for each in distributions):
            return Parameter(name, False, sorted(set(values), key=_choice_order), 0, 0)
        is_log = any(each.log for each in distributions)
        return Parameter(name, is_log, None, min(values), max(values))

    def importances(self):
        """Each parameter's part in the objective's variance (fANOVA), or the reason why there is none."""
        complete = self.in_state(TrialState.COMPLETE)
        if len(complete) < 4:
            return {}, "too few complete trials to tell"
        if len({trial.value for trial in complete}) == 1:
            return {}, "the objective is the same in all trials"
        try:
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
            importances = optuna.importance.get_param_importances(self.study, evaluator=evaluator)
        except (ValueError, RuntimeError) as error:
            return {}, str(error)
        importances = {name: float(value) for name, value in importances.items() if math.isfinite(value)}
        return importances, "" if importances else "no parameter varies in all complete trials"

    def summary(self):
        """The counts of trials by state, in words."""
        counts = [(len(self.in_state(state)), word) for state, word in STATES.items()]
        return ", ".join(f"{count} {word}" for count, word in counts if count)


def loss_text(value, digits=4):
    """A loss as it is written, and one that has gone astray short."""
    return f"{value:.{digits}f}" if abs(value) < 1e4 else f"{value:.3g}"


def setting_text(value):
    """A parameter's value, short."""
    return f"{value:.3g}" if isinstance(value, float) else printable(value)


def run_folders(sweep, trial):
    """The folders of a trial's runs that are there."""
    given = trial.user_attrs.get("run_folders", [])
    names = given if isinstance(given, list) else []
    # Of a study that several processes share, each has a folder of its own.
    places = (sweep.path, Path(str(trial.user_attrs.get("sweep_folder", sweep.path))))
    folders = (
        next((place / str(name) for place in places if (place / str(name)).is_dir()), None) for name in names
    )
    return [folder for folder in folders if folder]


def _choice_order(choice):
    """Numbers by size, and before words."""
    is_number = isinstance(choice, (int, float))
    return (not is_number, choice if is_number else 0, str(choice))


def read_sweep(path):
    """The sweep of a folder; raises UserError if it cannot be read, or holds nothing to draw."""
    path = Path(path)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    definition = read_definition(path / DEFINITION)
    study = read_study(path, definition["storage"], definition["study"])
    if study.directions != [optuna.study.StudyDirection.MINIMIZE]:
        raise UserError(f"{path / DEFINITION}: its study does not minimise one loss, so it is not a sweep's")
    sweep = Sweep(path, study, OBJECTIVES.get(str(definition.get("objective")), "objective"))
    if not sweep.in_state(TrialState.COMPLETE):
        found = sweep.summary() or "none at all"
        raise UserError(f"{path}: no trial is complete yet (trials: {found}), so there is nothing to draw")
    return replace(sweep, objective="mean of the last losses") if _holds_nothing_out(sweep) else sweep


def _holds_nothing_out(sweep):
    """Whether there was no val_loss to go by, as the best trial's run tells."""
    for folder in run_folders(sweep, sweep.ranked()[0])[:1]:
        try:
            return read_config(folder).get("validation_fraction") == 0
        except UserError:
            break  # not needed for anything else
    return False
