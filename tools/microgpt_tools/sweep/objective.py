"""From a run's metrics to the number that the search lowers."""

import math

# Where nothing is held out, so much of the training's end is averaged: single losses are noisy.
LAST_PART = 0.1


def score(metrics, measure, objective):
    """The number of a finished training, or None if its metrics have none."""
    if measure == "val_loss":
        values = metrics.val_losses
        if not values:
            return None
        return min(values) if objective == "best" else values[-1]
    losses = metrics.losses
    if not losses:
        return None
    last = losses[-max(1, math.floor(len(losses) * LAST_PART)) :]
    return math.fsum(last) / len(last)
