"""What is worth seeing in a model, as numbers: the same for text and for pictures."""

import random
from dataclasses import dataclass

import numpy as np

from microgpt_tools.errors import UserError
from microgpt_tools.look.alphabet import encode
from microgpt_tools.look.model import forward, softmax

DEFAULT_PREFIX = "e"
DEFAULT_NAME = "kalia"
LONGEST_SAMPLE = 16
SAMPLE_TEMPERATURE = 0.5
MOST_TOKENS = 512  # all attention is kept, which grows with the square


@dataclass(frozen=True)
class NextCharacter:
    """What the model expects behind a prefix: probabilities by token, before and after training."""

    prefix: str
    before: np.ndarray
    after: np.ndarray

    def most_probable(self, most):
        """Tokens after training, the most probable first."""
        return np.argsort(-self.after, kind="stable")[:most]


@dataclass(frozen=True)
class Attention:
    """Who looks at whom while the model reads a name."""

    name: str
    tokens: list  # those that the model saw
    weights: np.ndarray  # (n_layer, n_head, reader, what it looks at)


@dataclass(frozen=True)
class Plane:
    """Vectors seen from where they differ most: principal component analysis."""

    points: np.ndarray  # (vectors, 2)
    explained: np.ndarray  # which part of the variance each of the two directions has


def next_character(prefix, checkpoint, initial):
    tokens = _read(prefix, checkpoint, "--prefix")
    before, after = (
        softmax(_forward(parameters, checkpoint, tokens)[0][-1])
        for parameters in (initial, checkpoint.parameters)
    )
    return NextCharacter(prefix, before, after)


def attention(name, checkpoint):
    tokens = _read(name, checkpoint, "--name")
    return Attention(name, tokens, _forward(checkpoint.parameters, checkpoint, tokens)[1])


def default_prefix(checkpoint):
    return DEFAULT_PREFIX if DEFAULT_PREFIX in checkpoint.characters else ""


def default_name(checkpoint):
    """The usual name where the model can read it, else one that the model makes up."""
    if checkpoint.config["documents"] == "lines" and set(DEFAULT_NAME) <= set(checkpoint.characters):
        return DEFAULT_NAME
    bos = len(checkpoint.characters)
    stream = random.Random(checkpoint.config["seed"])
    sample = []
    while len(sample) < min(LONGEST_SAMPLE, checkpoint.config["block_size"]):
        logits = _forward(checkpoint.parameters, checkpoint, window(sample, checkpoint))[0][-1]
        probabilities = softmax(logits / SAMPLE_TEMPERATURE)
        # Something has to be seen: a name does not end before its second character, a text never.
        if checkpoint.config["documents"] == "text" or len(sample) < 2:
            probabilities = probabilities[:bos]
        token = stream.choices(range(len(probabilities)), probabilities.tolist())[0]
        if token == bos:
            break
        sample.append(token)
    return "".join(checkpoint.characters[token] for token in sample)


def window(tokens, checkpoint):
    """What the model sees of BOS and these tokens: the last block_size, as in microgpt generate."""
    return [len(checkpoint.characters), *tokens][-checkpoint.config["block_size"] :]


def entropy(probabilities):
    """In nats, as the loss: 0 where the model is sure, ln V where it has no idea."""
    positive = probabilities[probabilities > 0]
    return abs(float(np.sum(positive * np.log(positive))))


def principal_plane(vectors):
    centred = vectors - vectors.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    # A direction has no sign of its own: this one depends on no rounding.
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, np.newaxis]
    points, explained = np.zeros((len(vectors), 2)), np.zeros(2)
    count = min(2, len(directions))  # vectors of one number, or one vector, leave a direction empty
    points[:, :count] = (centred @ directions.T)[:, :count]
    if lengths.any():
        explained[:count] = (lengths**2 / np.sum(lengths**2))[:count]
    return Plane(points, explained)


def nearest_neighbours(vectors, of, most):
    """For each vector of the list `of` the indices of its nearest, by cosine, and those cosines."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    cosines = units[of] @ units.T
    cosines[np.arange(len(of)), of] = -np.inf
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, : min(most, len(vectors) - 1)]
    return nearest, np.take_along_axis(cosines, nearest, axis=1)


def _read(text, checkpoint, option):
    tokens = window(encode(text, checkpoint.characters, option), checkpoint)
    if len(tokens) > MOST_TOKENS:
        raise UserError(
            f"{option}: {len(text)} characters are too many to look at; give at most {MOST_TOKENS - 1}"
        )
    return tokens


def _forward(parameters, checkpoint, tokens):
    with np.errstate(all="ignore"):
        logits, weights = forward(parameters, checkpoint.config, tokens)
    if not np.isfinite(logits).all():
        raise UserError(f"{checkpoint.path}: the model's numbers are too large to compute with")
    return logits, weights
