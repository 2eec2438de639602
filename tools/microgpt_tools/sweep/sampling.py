"""Who proposes the next trial, and who gives up on a hopeless one: Optuna's samplers and pruners."""

import random

from optuna.pruners import MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import GridSampler, RandomSampler, TPESampler

# The median says little before some trials have finished, and a loss little before some training.
MEDIAN_STARTUP_TRIALS = 5
MEDIAN_WARMUP_EVALUATIONS = 2


class _GridForAskAndTell(GridSampler):
    """Optuna's grid; the search itself sees when it is exhausted, where Optuna's would stop optimize()."""

    def after_trial(self, study, trial, state, values):
        pass


def make_sampler(definition, trials_so_far):
    # A sampler that started from the same seed again would propose the former trials once more,
    # and on two machines the same ones.
    place = f"{definition.machine}:{definition.folder}" if definition.storage else ""
    seed = random.Random(f"{definition.seed}/{trials_so_far}/{place}").randrange(2**32)
    if definition.sampler == "grid":
        return _GridForAskAndTell(
            {parameter.name: parameter.grid() for parameter in definition.parameters}, seed
        )
    if definition.sampler == "random":
        return RandomSampler(seed)
    # The liar keeps trials that run at the same time apart.
    return TPESampler(seed=seed, constant_liar=definition.jobs > 1 or definition.storage is not None)


def make_pruner(definition):
    if not definition.prunes:
        return NopPruner()
    if definition.pruner == "median":
        return MedianPruner(MEDIAN_STARTUP_TRIALS, MEDIAN_WARMUP_EVALUATIONS)
    return SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
