"""One trial: a training for each seed, one after the other, whose val_losses the study hears of as they come.

Pruning looks at the first seed alone: its evaluations compare with those of any other trial, which
means over a growing number of seeds would not.
"""

import statistics

from optuna.trial import TrialState

from microgpt_tools.sweep.growing_metrics import GrowingMetrics
from microgpt_tools.sweep.objective import score
from microgpt_tools.sweep.outcomes import FAILED, INTERRUPTED, KILLED, REFUSED, origin
from microgpt_tools.sweep.parameters import value_text
from microgpt_tools.sweep.process import Process
from microgpt_tools.sweep.study import TrialTaken

BASE_CONFIG = "base.cfg"
USAGE_ERROR = 2  # microgpt's exit code for what it refuses before it trains
STOPPED = (129, 130, 143)  # after SIGHUP, SIGINT and SIGTERM, with a checkpoint


class RunningTrial:
    """A trial from the first process to the last word in the study."""

    def __init__(self, search, trial, inherited):
        self.trial = trial
        self._search = search
        self._definition = search.definition
        self._inherited = inherited
        frozen = search.frozen(trial)
        self._goes_on = origin(frozen) != trial.number
        self._folder = self._definition.folder / "trials" / f"trial-{origin(frozen):05}"
        self._settings = self._definition.settings(trial.params)
        self._seeds = self._definition.seeds_of(trial.params)
        self._scores = []
        self._reported = 0
        self._is_hopeless = False
        self._is_interrupted = False
        folders = [str(self._run(seed).relative_to(self._definition.folder)) for seed in self._seeds]
        search.note(trial, run_folders=folders, seeds=self._seeds)
        self._start()

    def poll(self):
        """Returns whether the trial has ended; its end is in the study then."""
        exit_code = self._process.poll()  # first, so that the metrics below are all that an ended one has
        try:
            self._report()
            return exit_code is not None and self._has_ended(exit_code)
        except TrialTaken:
            self.abandon()
            return True

    def interrupt(self):
        """Asks the training to end with a checkpoint; poll() then puts the trial back into the queue."""
        self._is_interrupted = True
        self._process.stop()

    def kill(self):
        self._process.kill()

    def abandon(self):
        """Ends the training with a checkpoint and leaves the study as it is."""
        self._process.stop()
        self._process.wait()

    def progress(self):
        """The last step and val_loss so far, either of which may be None."""
        return self._metrics.step, (self._metrics.val_losses or [None])[-1]

    def _run(self, seed):
        return self._folder / f"seed-{seed}"

    def _start(self):
        """Starts the training of the next seed, or lets it go on from its checkpoint."""
        seed = self._seeds[len(self._scores)]
        run = self._run(seed)
        run.parent.mkdir(parents=True, exist_ok=True)
        command = [self._definition.program]
        if self._goes_on and (run / "latest.h5").exists():
            command += ["--resume", run]
        else:
            command += ["--config", self._definition.folder / BASE_CONFIG, "--out", run, "--overwrite"]
            for key, value in {**self._settings, "seed": seed}.items():
                command += ["--set", f"{key}={value_text(value)}"]
        command += ["--threads", str(self._definition.threads), "--quiet"]
        self._metrics = GrowingMetrics(run / "metrics.jsonl")
        self._process = Process(command, run.with_name(f"{run.name}.stderr"), self._inherited)

    def _report(self):
        self._metrics.read()
        if self._scores or not self._definition.prunes:
            return
        for value in self._metrics.val_losses[self._reported :]:
            if self._is_hopeless:
                break  # what comes until the training has stopped, or ended, is the machine's load
            self._reported += 1
            self._is_hopeless = self._search.report(self.trial, self._reported, value)
        if self._is_hopeless:
            self._process.stop()

    def _has_ended(self, exit_code):
        if self._is_hopeless:
            self._search.finish(self.trial, TrialState.PRUNED, None)
            return True
        if exit_code == 0:
            return self._has_trained()
        error = self._process.last_error()
        if self._is_interrupted:
            self._search.try_again(self.trial, INTERRUPTED, "the sweep was stopped")
        elif exit_code < 0 or exit_code in STOPPED:
            self._was_killed(error or f"killed by signal {-exit_code}")
        else:
            self._search.fail(self.trial, REFUSED if exit_code == USAGE_ERROR else FAILED, error)
        return True

    def _was_killed(self, error):
        if self._search.was_killed_before(self.trial):
            self._search.fail(self.trial, FAILED, f"twice: {error}")
        else:
            self._search.try_again(self.trial, KILLED, error)

    def _has_trained(self):
        """The training of one seed is done; returns whether it was the last."""
        run = self._run(self._seeds[len(self._scores)])
        value = score(self._metrics, self._definition.measure, self._definition.objective)
        if value is None:
            self._search.fail(self.trial, FAILED, f"{run}: no {self._definition.measure} in metrics.jsonl")
            return True
        self._scores.append(value)
        if len(self._scores) < len(self._seeds):
            if self._is_interrupted:
                self._search.try_again(self.trial, INTERRUPTED, "the sweep was stopped")
                return True
            self._start()
            return False
        spread = statistics.stdev(self._scores) if len(self._scores) > 1 else None
        self._search.finish(
            self.trial, TrialState.COMPLETE, statistics.fmean(self._scores), scores=self._scores, std=spread
        )
        return True
