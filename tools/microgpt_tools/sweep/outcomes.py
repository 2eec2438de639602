"""What came of a trial, in a word: Optuna's state, or why it failed."""

from optuna.trial import TrialState

# Why a trial did not finish, as its user attribute "failure" says it.
FAILED = "failed"  # the program ended with an error
REFUSED = "refused"  # the program does not accept this combination of settings
INTERRUPTED = "interrupted"  # the sweep was stopped; tried again
KILLED = "killed"  # somebody else stopped the training; tried again, once
LOST = "lost"  # its machine fell silent; tried again
DUPLICATE = "duplicate"  # two machines took the same point of a grid

TRIED_AGAIN = (INTERRUPTED, KILLED)


def is_finished(trial):
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED)


def outcome(trial):
    """The state of a trial, in a word."""
    if trial.state == TrialState.FAIL:
        return trial.user_attrs.get("failure", LOST)
    return trial.state.name.lower()


def best_of(trials):
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    return min(complete, key=lambda trial: trial.value, default=None)


def origin(trial):
    """The number under which a configuration was tried first: its folder is named after it."""
    return trial.system_attrs.get("failed_trial", trial.number)
