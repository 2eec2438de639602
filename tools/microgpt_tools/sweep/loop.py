"""Starts, watches and ends trials until there are enough."""

import contextlib
import signal
import time

from microgpt_tools.sweep.outcomes import FAILED, REFUSED, is_finished, outcome
from microgpt_tools.sweep.running_trial import RunningTrial
from microgpt_tools.sweep.study import TrialTaken

PAUSE = 0.02
# Between two looks for work when there was none: another machine's trial may come back into the queue.
IDLE = 0.5
# So many in a row, with none that finished between them, and the search is getting nowhere. A refused
# combination of settings costs next to nothing.
MOST_FAILURES = 10
MOST_REFUSALS = 100


class Hopeless(Exception):
    """Trial after trial failed."""


class StopSignals:
    """SIGINT and SIGTERM as numbers that the loop looks at when it is ready for it."""

    def __enter__(self):
        self.received = []
        self._former = {
            number: signal.signal(number, lambda number, frame: self.received.append(number))
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *error):
        for number, handler in self._former.items():
            signal.signal(number, handler)


class Loop:
    """The trials of this process."""

    def __init__(self, search, view, inherited, on_end):
        self._search = search
        self._view = view
        self._inherited = inherited
        self._on_end = on_end
        self._running = []
        self._next_look = 0
        self._failures = {FAILED: 0, REFUSED: 0}
        self._last_error = None

    def run(self, signals):
        """Returns None once there are enough trials, or the number of the signal that stopped it."""
        try:
            while not signals.received:
                self._search.keep_alive([running.trial for running in self._running])
                self._end_trials()
                self._check_hope()
                self._start_trials()
                if not self._running and self._search.is_over():
                    return None
                self._view.show(self._running)
                time.sleep(PAUSE if self._running else IDLE)
            self._interrupt(signals)
            return signals.received[0]
        except Hopeless:
            self._interrupt(signals)
            raise
        finally:
            self._leave_nothing_running()

    def _start_trials(self):
        if time.monotonic() < self._next_look:
            return
        while len(self._running) < self._search.definition.jobs:
            trial = self._search.ask()
            if trial is None:
                self._next_look = time.monotonic() + IDLE
                return
            with contextlib.suppress(TrialTaken):
                self._running.append(RunningTrial(self._search, trial, self._inherited))

    def _end_trials(self):
        for running in list(self._running):
            if running.poll():
                self._running.remove(running)
                self._next_look = 0
                self._note_end(self._search.frozen(running.trial))

    def _note_end(self, trial):
        self._on_end(trial)
        self._view.ended(trial)
        if is_finished(trial):
            self._failures = dict.fromkeys(self._failures, 0)
        elif outcome(trial) in self._failures:
            self._failures[outcome(trial)] += 1
            self._last_error = trial.user_attrs["error"]

    def _check_hope(self):
        if self._failures[FAILED] >= MOST_FAILURES or self._failures[REFUSED] >= MOST_REFUSALS:
            count = sum(self._failures.values())
            raise Hopeless(f"{count} trials in a row failed, the last one with: {self._last_error}")

    def _interrupt(self, signals):
        """Lets every training end with a checkpoint; a second signal kills them."""
        for running in self._running:
            running.interrupt()
        while self._running:
            self._search.keep_alive([running.trial for running in self._running])
            if len(signals.received) > 1:
                for running in self._running:
                    running.kill()
            self._end_trials()
            time.sleep(PAUSE)

    def _leave_nothing_running(self):
        """Whatever went wrong: the next start finds these trials in the study and goes on with them."""
        for running in self._running:
            running.interrupt()
        for running in self._running:
            running.abandon()
