"""Reads a checkpoint: src/checkpoint/FORMAT.md describes the file, and the order in which to trust it.

The first 36 bytes, then format_version, then the seal over all bytes, and only then the rest: HDF5 itself
would crash on some damaged files.
"""

import hashlib
import io
import math
import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import yaml

from microgpt_tools.errors import UserError
from microgpt_tools.look.hdf5_input import (
    Damage,
    has_attribute,
    place_of,
    read_dataset,
    read_integer,
    read_text,
)
from microgpt_tools.look.model import ACTIVATIONS, parameter_shapes

FORMAT_VERSION = 1
SEAL_BYTES = 32
SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Version 3, addresses and lengths of 8 bytes, nobody writes, begins at byte 0, no extension.
SUPERBLOCK = bytes([3, 8, 8, 0]) + bytes(8) + b"\xff" * 8
HEAD_BYTES = len(SIGNATURE) + len(SUPERBLOCK) + 8

# Of the config's keys those that shape the model and its first weights: none of them can change on a resume.
KEYS = {
    "documents": ("lines", "text"),
    "validation_fraction": float,
    "n_layer": int,
    "n_embd": int,
    "n_head": int,
    "block_size": int,
    "activation": tuple(ACTIVATIONS),
    "init_std": float,
    "zero_init_residual": bool,
    "seed": int,
    "precision": ("float32", "float64"),
}
LOWEST = dict.fromkeys(("n_layer", "n_embd", "n_head", "block_size"), 1)


@dataclass(frozen=True)
class Checkpoint:
    path: Path
    step: int  # completed steps
    config: dict  # KEYS and their values
    characters: str  # character i is token i; BOS comes behind the last
    documents: int  # in the dataset, those held out included
    parameters: dict  # name -> float64 array [out][in]

    @property
    def vocabulary_size(self):
        return len(self.characters) + 1


def read_checkpoint(path):
    """The checkpoint of that name, or the newest one of a run's folder; UserError for whatever is none."""
    path = Path(path)
    try:
        if os.path.isdir(path):
            path = _newest(path)
        content = _read_file(path)
        _check_head(path, content)
        # All is read from these bytes: a run that writes latest.h5 meanwhile changes nothing.
        with h5py.File(io.BytesIO(content), "r") as file:
            _check_version(path, file)
            _check_seal(file, content)
            return _read_contents(path, file)
    except Damage as damage:
        raise UserError(f"{path}: damaged: {damage}; use an earlier checkpoint") from None
    except (ValueError, TypeError, KeyError, RuntimeError, OSError) as error:
        # What HDF5 says about a file that it cannot make sense of.
        detail = " ".join(str(error).split())
        raise UserError(f"{path}: damaged: {detail}; use an earlier checkpoint") from None


def _newest(folder):
    latest = folder / "latest.h5"
    try:
        is_there = latest.exists()
    except OSError as error:
        raise UserError(f"{folder}: cannot read: {error.strerror}") from None
    if not is_there:
        raise UserError(f"{folder}: no latest.h5 there, so no run has saved a checkpoint in this folder")
    return latest


def _read_file(path):
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: not a checkpoint: it is not a regular file")
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such checkpoint") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot read: {getattr(error, 'strerror', None) or error}") from None


def _check_head(path, content):
    head = content[:HEAD_BYTES]
    if not head.startswith(SIGNATURE):
        raise UserError(f"{path}: not a checkpoint: it does not begin as an HDF5 file does")
    if len(head) < HEAD_BYTES or not head.startswith(SIGNATURE + SUPERBLOCK):
        raise UserError(f"{path}: an HDF5 file, but not as microgpt writes one; use a checkpoint")
    expected = int.from_bytes(head[-8:], "little")
    if len(content) != expected:
        what = "truncated" if len(content) < expected else "damaged"
        raise UserError(
            f"{path}: {what}: it has {len(content)} bytes and should have {expected}; "
            "use an earlier checkpoint"
        )


def _check_version(path, file):
    # Only numbers are read so early: damaged texts would crash HDF5.
    if not has_attribute(file, "format") or not has_attribute(file, "format_version"):
        raise UserError(f"{path}: an HDF5 file, but not one of microgpt's; use a checkpoint")
    version = read_integer(file, "format_version")
    if version > FORMAT_VERSION:
        raise UserError(
            f"{path}: written by a newer microgpt (format_version {version}, known up to {FORMAT_VERSION}); "
            "use the look.py that came with it"
        )
    if version < 1:
        raise Damage(f"format_version is {version}")


def _check_seal(file, content):
    seal = read_dataset(file, "file_sha256", ["u1"], (SEAL_BYTES,)).tobytes()
    place = place_of(file, "file_sha256")
    view = memoryview(content)
    digest = hashlib.sha256(view[:place])
    digest.update(bytes(SEAL_BYTES))
    digest.update(view[place + SEAL_BYTES :])
    if digest.digest() != seal:
        raise Damage("its bytes are not those that were written")


def _read_contents(path, file):
    if read_text(file, "format") != "microgpt":
        raise Damage("format is not microgpt")
    config = _read_config(read_text(file, "config"))
    codes = read_dataset(file, "tokenizer/code_points", ["<u4"])
    try:
        characters = "".join(map(chr, codes))
        characters.encode("utf-8")
    except (ValueError, OverflowError):
        raise Damage("code_points are not Unicode characters") from None
    if not characters or list(characters) != sorted(set(characters)):
        raise Damage("code_points are not in rising order")
    documents = read_integer(file, "documents", "data")
    if documents < 1:
        raise Damage("there are no documents")
    parameters = _read_parameters(file, config, len(characters) + 1)
    return Checkpoint(path, read_integer(file, "step"), config, characters, documents, parameters)


def _read_config(text):
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        config = None
    if not isinstance(config, dict):
        raise Damage("config is not a list of keys and values")
    values = {key: _checked(key, kind, config.get(key)) for key, kind in KEYS.items()}
    if values["n_embd"] % values["n_head"]:
        raise Damage("config: n_embd cannot be divided by n_head")
    return values


def _checked(key, kind, value):
    # The printer of configs writes 1 for 1.0.
    if kind is float and type(value) is int and abs(value) < 2**53:
        value = float(value)
    if isinstance(kind, tuple):
        valid = isinstance(value, str) and value in kind
    elif kind is bool:
        valid = isinstance(value, bool)
    else:
        valid = type(value) is kind and LOWEST.get(key, 0) <= value < math.inf
    if not valid:
        raise Damage(f"config: {key} has no valid value")
    return value


def _read_parameters(file, config, vocabulary_size):
    parameters = {}
    kind = {"float32": "<f4", "float64": "<f8"}[config["precision"]]
    for name, shape in parameter_shapes(config, vocabulary_size):
        values = read_dataset(file, f"model/{name}", [kind], shape).astype(np.float64)
        if not np.isfinite(values).all():
            raise Damage(f"/model/{name} holds a number that is not finite")
        parameters[name] = values
    return parameters
