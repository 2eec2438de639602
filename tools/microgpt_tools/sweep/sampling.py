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


def make_samplers(definition):
    """A function: from the number of configurations so far to the sampler that proposes the next one.

    Each proposal has a seed of its own, so that it does not matter how often the sweep was stopped before.
    """
    if definition.sampler == "grid":
        # One order of the grid, from start to start and on all machines: its points go by their numbers.
        grid = {parameter.name: parameter.grid() for parameter in definition.parameters}
        sampler = _GridForAskAndTell(grid, definition.seed % 2**32)
        return lambda so_far: sampler
    # Two machines would propose the same.
    place = f"{definition.machine}:{definition.folder}" if definition.storage else ""

    def make(so_far):
        seed = random.Random(f"{definition.seed}/{so_far}/{place}").randrange(2**32)
        if definition.sampler == "random":
            return RandomSampler(seed)
        # The liar keeps trials that run at the same time apart.
        return TPESampler(seed=seed, constant_liar=definition.jobs > 1 or definition.storage is not None)

    return make


def make_pruner(definition):
    if not definition.prunes:
        return NopPruner()
    if definition.pruner == "median":
        return MedianPruner(MEDIAN_STARTUP_TRIALS, MEDIAN_WARMUP_EVALUATIONS)
    return SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
