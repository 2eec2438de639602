"""A run in numbers, for the page's table of runs."""

import h5py
import numpy as np


def run_numbers(curves):
    """The columns of the table, by their names; None where the run has no such number."""
    steps = curves.steps
    val_losses = curves.series("step", "val_loss")
    best = int(np.argmin(val_losses[1])) if val_losses[1].size else None
    speeds = curves.series("step", "tokens_per_second")[1]
    return {
        "final loss": _last(curves, "loss"),
        "smoothed": _last(curves, "smoothed_loss"),
        "best val_loss": None if best is None else float(val_losses[1][best]),
        "at step": None if best is None else int(val_losses[0][best]),
        "steps": steps,
        "documents": int(curves.columns["documents"][-1]) if steps else 0,
        "seconds": _last(curves, "seconds"),
        "tokens/s": float(np.median(speeds)) if speeds.size else None,
        "parameters": parameter_count(curves.path / "latest.h5"),
    }


def _last(curves, quantity):
    values = curves.series("step", quantity)[1]
    return float(values[-1]) if values.size else None


def parameter_count(checkpoint):
    """How many numbers the model of a checkpoint has; None without a readable checkpoint."""
    try:
        with h5py.File(checkpoint) as file:
            return sum(int(tensor.size) for tensor in file["model"].values())
    except (OSError, KeyError, AttributeError):
        return None
