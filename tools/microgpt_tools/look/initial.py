"""The weights as they were before training, drawn again from the config's seed.

Training takes its random numbers from one stream, CPython's: first it shuffles the documents, then it
draws every parameter in order. The shuffle uses up random numbers by how many documents there are, not by
what they hold, so the data itself is not needed.
"""

import math
import random
import sys

import numpy as np

from microgpt_tools.look.model import parameter_shapes

# About a second of drawing; more is announced.
MANY_NUMBERS = 3_000_000


def initial_parameters(checkpoint):
    """Name -> float64 array, as Checkpoint.parameters."""
    config = checkpoint.config
    stream = random.Random(config["seed"])
    count = _shuffled_documents(checkpoint)
    size = sum(values.size for values in checkpoint.parameters.values())
    if count + size > MANY_NUMBERS:
        seconds = round((count + size) / MANY_NUMBERS)
        print(f"drawing the {size:,} weights before training again: {seconds} s or so", file=sys.stderr)
    stream.shuffle(bytearray(count))

    parameters = {}
    for name, shape in parameter_shapes(config, checkpoint.vocabulary_size):
        is_zeroed = config["zero_init_residual"] and name.endswith((".attn_wo", ".mlp_fc2"))
        # A zeroed parameter draws too: those behind it keep their random numbers.
        deviation = 0.0 if is_zeroed else config["init_std"]
        draws = (stream.gauss(0.0, deviation) for _ in range(math.prod(shape)))
        values = np.fromiter(draws, np.dtype(config["precision"]), math.prod(shape))
        parameters[name] = values.astype(np.float64).reshape(shape)
    return parameters


def _shuffled_documents(checkpoint):
    """Of lines all are shuffled and then some held out; of text the end of the file is held out before."""
    if checkpoint.config["documents"] == "lines":
        return checkpoint.documents
    held_out = math.floor(checkpoint.config["validation_fraction"] * checkpoint.documents)
    return checkpoint.documents - held_out
