"""A run's metrics as curves: arrays against steps, documents or seconds, smoothed, and thinned for drawing.

Smoothing is a centred mean: at each logged step the mean over a window of so many steps, half of them
before and half behind. The loss falls fast at first, so the window grows symmetrically from the first
step on (there the mean is the loss itself); at the end it is cut where the run ends.
"""

import array
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microgpt_tools.errors import UserError
from microgpt_tools.metrics import read_metrics
from microgpt_tools.run_folder import read_config

COLUMNS = {
    "step": "step",
    "seconds": "seconds",
    "loss": "loss",
    "val_loss": "val_loss",
    "learning_rate": "lr",
    "tokens_per_second": "tokens_per_second",
}
AXES = ("step", "documents", "seconds")
SMOOTHED = ("loss", "tokens_per_second")
SMOOTH_PART = 20  # by default the window is a twentieth of the run
LARGEST = 1e300  # beyond, sums and ranges overflow
MOST_POINTS = 2000  # about two for each pixel of a panel


@dataclass(frozen=True)
class Curves:
    """One run: each column has an entry for each logged step, not-a-number where the metrics have none."""

    path: Path
    config: dict
    columns: dict

    @property
    def steps(self):
        """Completed steps that were logged; 0 for a run that has not come so far."""
        return int(self.columns["step"][-1]) if self.columns["step"].size else 0

    @property
    def emptiness(self):
        """Why there is nothing to draw, or ""."""
        if self.steps == 0:
            return "the run has logged no step yet"
        if not any(np.isfinite(self.columns[quantity]).any() for quantity in ("loss", "val_loss")):
            return "none of the run's losses is a finite number"
        return ""

    def series(self, axis, quantity):
        """The points (x, y) of a curve that exist, as two arrays."""
        x, y = self.columns[axis], self.columns[quantity]
        exists = np.isfinite(x) & np.isfinite(y)
        return x[exists], y[exists]


def read_curves(paths, smooth=None):
    """The curves of each run's folder, smoothed over so many steps, or over a part of each run."""
    all_curves = [_read(Path(path)) for path in paths]
    for curves in all_curves:
        window = max(1, curves.steps // SMOOTH_PART if smooth is None else smooth)
        for quantity in SMOOTHED:
            curves.columns[f"smoothed_{quantity}"] = smoothed(
                curves.columns["step"], curves.columns[quantity], window
            )
    return all_curves


def mean_text(smooth):
    """What the smoothed curves are, for a legend."""
    return "mean over a twentieth of the run" if smooth is None else f"mean over {smooth} steps"


def _read(path):
    if not os.path.isdir(path):
        what = "not a folder" if os.path.exists(path) else "no such folder"
        raise UserError(f"{path}: {what}; give the folder of a run or of a sweep")
    config = read_config(path)
    file = path / "metrics.jsonl"
    if not file.exists():
        raise UserError(f"{path}: no metrics.jsonl there, so nothing of the run can be drawn")
    columns = _columns(file)
    if not np.all(np.diff(columns["step"]) > 0):
        raise UserError(f"{file}: its steps do not increase from line to line; was it written by two runs?")
    # config.cfg holds the effective number. A resumption may change it, which metrics.jsonl does not tell.
    batch_size = config.get("batch_size")
    if not isinstance(batch_size, int) or batch_size < 1:
        raise UserError(f"{path / 'config.cfg'}: batch_size must be a number, not {batch_size}")
    columns["documents"] = columns["step"] * batch_size
    return Curves(path, config, columns)


def _columns(file):
    columns = {name: array.array("d") for name in COLUMNS}
    for number, line in enumerate(read_metrics(file), start=1):
        for name, key in COLUMNS.items():
            value = line.get(key)
            if value is None and key != "step":
                value = math.nan
            elif not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) > LARGEST:
                raise UserError(f"{file}:{number}: {key} is not a number")
            columns[name].append(value)
    return {name: np.array(values) for name, values in columns.items()}


def smoothed(steps, values, window):
    """The centred mean of values over `window` steps, as the text at the top says."""
    if steps.size == 0:
        return values.copy()
    finite = np.isfinite(values)
    totals = np.concatenate([[0.0], np.cumsum(np.where(finite, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(finite)])
    reach = np.minimum((window - 1) / 2, steps - steps[0])
    first = np.searchsorted(steps, steps - reach, side="left")
    behind = np.searchsorted(steps, steps + reach, side="right")
    count = counts[behind] - counts[first]
    mean = (totals[behind] - totals[first]) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)


def thin(y, most=MOST_POINTS):
    """The indices of at most about `most` points that draw the same curve: each stretch's extremes."""
    if y.size <= most:
        return np.arange(y.size)
    edges = np.linspace(0, y.size, most // 2 + 1).astype(int)
    kept = {0, y.size - 1}
    for start, end in zip(edges[:-1], edges[1:]):
        kept.add(start + int(np.argmin(y[start:end])))
        kept.add(start + int(np.argmax(y[start:end])))
    return np.array(sorted(kept))


def faintness(all_curves):
    """The opacity of single steps, which would hide all else where many runs, or many steps, lie over each other."""
    most = max((curves.series("step", "loss")[1].size for curves in all_curves), default=0)
    return min(0.28, 1 / len(all_curves), max(0.05, 100 / max(1, most)))


def loss_limits(all_curves):
    """The range of losses worth drawing: not the few first steps, from ln(vocabulary) down to the curve.

    Nor the widest noise of single steps, where means and validation losses are what tells runs apart. Nor
    does a run that diverges squash the others: what is above the losses with which the runs began, those
    of models that know nothing, is left out.
    """
    low, high, start = [], [], []
    for curves in all_curves:
        train = curves.series("step", "loss")[1]
        mean = curves.series("step", "smoothed_loss")[1]
        validation = curves.series("step", "val_loss")[1]
        if train.size:
            start.append(train[0])
            low += [np.percentile(train, 10), mean.min()]
            high += [np.percentile(train, 90), np.percentile(mean, 95)]
        if validation.size:
            low.append(validation.min())
            high.append(np.percentile(validation, 95))
    if not high:
        return None
    bottom = min(low)
    top = min(max(high), max(start)) if start else max(high)
    margin = 0.04 * (top - bottom)
    if margin <= 0:  # one step only, or a loss that only rises
        bottom, top, margin = min(low), max(high), 0.05
    return float(bottom - margin), float(top + margin)
