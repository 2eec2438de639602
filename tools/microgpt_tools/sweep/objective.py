"""From a run's metrics.jsonl to the number that the search lowers."""

import json
import math

# Where nothing is held out, so much of the training's end is averaged: single losses are noisy.
LAST_PART = 0.1


def score(metrics, measure, objective):
    """The number of a finished training, or None if its metrics have none."""
    if measure == "val_loss":
        values = val_losses(metrics)
        if not values:
            return None
        return min(values) if objective == "best" else values[-1]
    losses = [line["loss"] for line in metrics if line.get("loss") is not None]
    if not losses:
        return None
    last = losses[-max(1, math.floor(len(losses) * LAST_PART)) :]
    return math.fsum(last) / len(last)


def val_losses(metrics):
    return [line["val_loss"] for line in metrics if line.get("val_loss") is not None]


class GrowingMetrics:
    """The lines of a metrics.jsonl as they are written, each read once."""

    def __init__(self, path):
        self._path = path
        self._rewind()

    def read(self):
        """All lines so far; reads only what is new."""
        try:
            with open(self._path, "rb") as file:
                file.seek(0, 2)
                if file.tell() < self._position:
                    self._rewind()  # a training that goes on cuts what came after its checkpoint
                file.seek(self._position)
                complete, newline, _ = file.read().rpartition(b"\n")
        except OSError:
            return self.lines
        try:
            self.lines += [json.loads(line) for line in complete.split(b"\n") if line]
        except ValueError:
            self._rewind()  # cut and grown again between two looks
            return self.lines
        self._position += len(complete) + len(newline)
        return self.lines

    def _rewind(self):
        self._position = 0
        self.lines = []
