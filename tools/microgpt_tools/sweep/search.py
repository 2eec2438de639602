"""Which trials are wanted, running, finished, or to be tried again.

A configuration counts once it is complete or pruned. One that was interrupted is recorded as failed
and put back into the queue with the same values; whoever asks next, on any machine, takes it up.
"""

import contextlib
import functools
import itertools
import time

import optuna
from optuna.trial import TrialState

from microgpt_tools.sweep.outcomes import (
    DUPLICATE,
    INTERRUPTED,
    KILLED,
    LOST,
    TRIED_AGAIN,
    is_finished,
    origin,
    outcome,
)
from microgpt_tools.sweep.sampling import make_samplers
from microgpt_tools.sweep.study import SILENCES, TrialTaken, put_back, unless_taken


class Search:
    """The study, seen from this sweep.py."""

    def __init__(self, definition, study, storage):
        self.definition = definition
        self.study = study
        self._storage = storage
        self._samplers = make_samplers(definition)
        self._is_grid = definition.sampler == "grid"
        self._last_heartbeat = 0
        self._unclaimed_since = {}
        self._clean_up()

    def trials(self):
        return self.study.get_trials(deepcopy=False)

    @functools.cached_property
    def wanted(self):
        """How many configurations the sweep is to finish."""
        return self.definition.trials or len(self._grid)

    def is_over(self):
        trials = self.trials()
        if sum(is_finished(trial) for trial in trials) >= self.wanted:
            return True
        in_work = any(trial.state in (TrialState.RUNNING, TrialState.WAITING) for trial in trials)
        return not in_work and self._is_exhausted(trials)

    def ask(self):
        """A trial to run now, or None if there are enough or none is left."""
        trials = self.trials()
        if not self._has_room(trials):
            return None
        if all(trial.state != TrialState.WAITING for trial in trials) and self._is_exhausted(trials):
            return None
        self.study.sampler = self._samplers(self._configurations(trials))
        trial = self.study.ask(self.definition.distributions())
        if self.definition.storage:
            self._storage.record_heartbeat(trial._trial_id)
        self.note(trial, machine=self.definition.machine, sweep_folder=str(self.definition.folder))
        # Another machine may have asked at the same moment; the later number gives way.
        if not self._has_room(self._earlier(trial)):
            self.try_again(trial, INTERRUPTED, "enough trials")
            return None
        if self._is_duplicate(trial):
            self._tell(trial, TrialState.FAIL, failure=DUPLICATE)
            return None
        return trial

    def note(self, trial, **attributes):
        with unless_taken():
            for key, attribute in attributes.items():
                trial.set_user_attr(key, attribute)

    def report(self, trial, number, value):
        """Tells the study the value of a trial's evaluation; returns whether to give the trial up."""
        with unless_taken():
            trial.report(value, number)
            return trial.should_prune()

    def finish(self, trial, state, value, **attributes):
        """Records a trial as complete or pruned."""
        if self._is_duplicate(trial):
            self._tell(trial, TrialState.FAIL, failure=DUPLICATE)
        else:
            self._tell(trial, state, value, **attributes)

    def fail(self, trial, failure, error):
        """Records a trial as failed for good."""
        self._tell(trial, TrialState.FAIL, failure=failure, error=error)

    def try_again(self, trial, failure, error):
        """Records a trial as failed, and puts its configuration back into the queue."""
        self.fail(trial, failure, error)
        put_back(self.study, self.frozen(trial))

    def was_killed_before(self, trial):
        history = self.frozen(trial).system_attrs.get("retry_history", [])
        return any(other.number in history and outcome(other) == KILLED for other in self.trials())

    def frozen(self, trial):
        """What the study knows of a trial."""
        return next(other for other in self.trials() if other.number == trial.number)

    def keep_alive(self, running):
        """To be called all the time: says that this machine lives, and looks for those that do not."""
        if not self.definition.storage or time.monotonic() < self._last_heartbeat + self.definition.heartbeat:
            return
        self._last_heartbeat = time.monotonic()
        for trial in running:
            self._storage.record_heartbeat(trial._trial_id)
        # Two machines may bury the same trial; the second is told that it is dead already.
        with contextlib.suppress(RuntimeError):
            optuna.storages.fail_stale_trials(self.study)
        with contextlib.suppress(TrialTaken):
            self._fail_unclaimed()

    def _tell(self, trial, state, value=None, **attributes):
        self.note(trial, **attributes)
        with unless_taken():
            self.study.tell(trial, value, state)

    def _configurations(self, trials):
        """How many were proposed, however often each was tried; not one that a kill cut short."""
        count = len(self.definition.parameters)
        return len({origin(trial) for trial in trials if len(trial.params) == count})

    def _earlier(self, trial):
        return [other for other in self.trials() if other.number < trial.number]

    def _has_room(self, trials):
        return sum(is_finished(trial) or trial.state == TrialState.RUNNING for trial in trials) < self.wanted

    @functools.cached_property
    def _grid(self):
        return set(itertools.product(*(parameter.grid() for parameter in self.definition.parameters)))

    def _is_exhausted(self, trials):
        """Whether every point of a grid has had its trial."""
        if not self._is_grid:
            return False
        names = [parameter.name for parameter in self.definition.parameters]
        return self._grid <= {tuple(trial.params.get(name) for name in names) for trial in trials}

    def _is_duplicate(self, trial):
        return self._is_grid and any(
            other.params == trial.params and (is_finished(other) or other.state == TrialState.RUNNING)
            for other in self._earlier(trial)
        )

    def _clean_up(self):
        """Nobody else works in our folder: what still runs there was cut short when we were killed."""
        place = (self.definition.machine, str(self.definition.folder))
        ours = [
            trial
            for trial in self.trials()
            if not self.definition.storage
            or (trial.user_attrs.get("machine"), trial.user_attrs.get("sweep_folder")) == place
        ]
        for trial in ours:
            if trial.state == TrialState.RUNNING:
                self._fail_foreign(trial, INTERRUPTED)
        # A kill may also have come between the record and the queue.
        queued = {number for trial in self.trials() for number in trial.system_attrs.get("retry_history", [])}
        for trial in ours:
            if outcome(self.frozen(trial)) in TRIED_AGAIN and trial.number not in queued:
                put_back(self.study, self.frozen(trial))

    def _fail_unclaimed(self):
        """A machine may die so early that its trial has neither a name on it nor a heartbeat."""
        unclaimed = [
            trial
            for trial in self.trials()
            if trial.state == TrialState.RUNNING and "machine" not in trial.user_attrs
        ]
        now = time.monotonic()
        self._unclaimed_since = {
            trial.number: self._unclaimed_since.get(trial.number, now) for trial in unclaimed
        }
        for trial in unclaimed:
            if now > self._unclaimed_since[trial.number] + SILENCES * self.definition.heartbeat:
                self._fail_foreign(trial, LOST)
                put_back(self.study, self.frozen(trial))

    def _fail_foreign(self, trial, failure):
        """Records a trial as failed that this process did not ask for."""
        with unless_taken():
            self._storage.set_trial_user_attr(trial._trial_id, "failure", failure)
            self.study.tell(trial.number, state=TrialState.FAIL)
