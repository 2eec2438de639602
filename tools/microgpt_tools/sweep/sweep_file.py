"""A sweep written as a YAML file: the flags' names as keys, with `params` and `set` as mappings.

Paths in it are relative to it.
"""

import difflib

import yaml

from microgpt_tools.errors import UserError
from microgpt_tools.sweep.keys import KEYS, PATHS, read_value
from microgpt_tools.sweep.parameters import value_text
from microgpt_tools.yaml_file import read_yaml


class _StrictLoader(yaml.SafeLoader):
    """Of a key that is given twice, YAML's reader would take the last without a word."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.MarkedYAMLError(problem=f"{name} is given twice: remove one", problem_mark=key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_sweep_file(path):
    """The values that the file gives, by key, params and set as mappings of texts."""
    try:
        content = read_yaml(path, _StrictLoader)
    except OSError as error:
        hint = "name the YAML file of a sweep, or give --config and --param"
        raise UserError(f"{path}: cannot be read: {error.strerror}; {hint}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: is not a sweep: give keys and values, as in configs/sweep.yml")
    given = {}
    for key, value in content.items():
        where = f"{path}: {key}"
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1)
            raise UserError(f"{where}: unknown key" + (f", did you mean '{near[0]}'?" if near else ""))
        if key in ("params", "set"):
            given[key] = _mapping(where, value)
        elif isinstance(value, (dict, list)) or value is None:
            raise UserError(f"{where}: needs a single value")
        else:
            given[key] = read_value(where, key, value_text(value))
    return _relative_to(path.parent, given)


def _mapping(where, value):
    if not isinstance(value, dict):
        raise UserError(f"{where}: needs keys and values")
    texts = {}
    for key, item in value.items():
        items = item if isinstance(item, list) else [item]
        if not items or any(isinstance(each, (dict, list)) or each is None for each in items):
            raise UserError(f"{where}: {key}: needs a value")
        texts[str(key)] = ",".join(_yaml_text(each) for each in items)
    return texts


def _yaml_text(value):
    return str(value).lower() if isinstance(value, bool) else value_text(value)


def _relative_to(folder, given):
    for key in PATHS:
        if key in given:
            given[key] = str(folder / given[key])
    if (folder / given.get("config", "")).is_file():
        # Any other name is one of the program's own configs.
        given["config"] = str(folder / given["config"])
    if "dataset" in given.get("set", {}):
        given["set"]["dataset"] = str(folder / given["set"]["dataset"])
    return given
