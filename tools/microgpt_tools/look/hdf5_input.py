"""Reads single values of an HDF5 file that may be damaged, foreign or made to harm.

A checkpoint holds plain things only: scalar attributes, and datasets that lie in the file in one piece.
Whatever else HDF5 can do (links into other files, compression, virtual datasets) is refused, so no
value costs more memory than the file has bytes. A Damage says what is wrong, without the file's name.
"""

import h5py
import numpy as np


class Damage(Exception):
    """The file does not hold what a checkpoint holds."""


def read_dataset(file, name, types, shape=None):
    """The array of a dataset; `types` are the allowed ones, a shape of None any list."""
    dataset = _find(file, name)
    if not isinstance(dataset, h5py.Dataset):
        raise Damage(f"/{name} is not a dataset")
    if dataset.dtype not in [np.dtype(allowed) for allowed in types]:
        raise Damage(f"/{name} holds numbers of another type")
    if dataset.shape is None or (len(dataset.shape) != 1 if shape is None else dataset.shape != shape):
        raise Damage(f"/{name} has another shape")
    if dataset.size and dataset.id.get_offset() is None:
        raise Damage(f"/{name} does not lie in the file in one piece")
    return dataset[()]


def place_of(file, name):
    """Where in the file a dataset's bytes begin."""
    return _find(file, name).id.get_offset()


def has_attribute(file, name):
    return h5py.h5a.exists(file.id, name.encode())


def read_integer(file, name, group="/"):
    attribute = _attribute(file, name, group)
    if attribute.dtype.kind not in "iu":
        raise Damage(f"{name} is not a whole number")
    return int(_value(file, name, group))


def read_text(file, name, group="/"):
    attribute = _attribute(file, name, group)
    if h5py.check_string_dtype(attribute.dtype) is None:
        raise Damage(f"{name} is not text")
    value = _value(file, name, group)
    if not isinstance(value, str):
        raise Damage(f"{name} is not UTF-8 text")
    return value


def _find(file, name):
    """The object at a path of hard links: others could lead out of the file."""
    here = file
    for part in name.split("/"):
        if not isinstance(here, h5py.Group) or part not in here:
            raise Damage(f"/{name} is missing")
        if not isinstance(here.get(part, getlink=True), h5py.HardLink):
            raise Damage(f"/{name} is a link")
        here = here[part]
    return here


def _holder(file, group):
    return file if group == "/" else _find(file, group)


def _attribute(file, name, group):
    holder = _holder(file, group)
    if not has_attribute(holder, name):
        raise Damage(f"{name} is missing")
    attribute = h5py.h5a.open(holder.id, name.encode())
    if attribute.shape != () or attribute.get_space().get_simple_extent_type() != h5py.h5s.SCALAR:
        raise Damage(f"{name} is not a single value")
    return attribute


def _value(file, name, group):
    return _holder(file, group).attrs[name]
