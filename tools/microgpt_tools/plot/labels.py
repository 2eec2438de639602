"""What the runs are called in a legend: short, and never two alike.

A run is called by its folder, with as many of the folders around it as tell it from the others
(trial-00007/seed-42), and by the keys in which its config differs: "seed-42 · n_embd=32".
"""

from pathlib import Path

from microgpt_tools.plot.differences import differing_keys, value_text
from microgpt_tools.plot.printable import printable, shorten

LONGEST_NAME = 40
LONGEST_VALUE = 16
MOST_KEYS = 3


def labels(paths, configs):
    names = short_names(paths)
    keys = _telling_keys(configs)
    return [
        " · ".join([name, *_settings(config, keys)]) if keys else name for name, config in zip(names, configs)
    ]


def short_names(paths):
    """The last parts of each path, as few as make them unlike."""
    parts = [Path(path).resolve().parts for path in paths]
    count = 1
    while count < max(map(len, parts)) and len({part[-count:] for part in parts}) < len(parts):
        count += 1
    names = [shorten(printable("/".join(part[-count:])), LONGEST_NAME) for part in parts]
    # What was left out may have been the difference.
    return [
        name if names.count(name) == 1 else f"{name} ({index})" for index, name in enumerate(names, start=1)
    ]


def _telling_keys(configs):
    """The keys that differ, those with the most different values first."""

    def count_alike(key):
        return -len({value_text(config, key) for config in configs})

    return sorted(differing_keys(configs), key=count_alike)


def _settings(config, keys):
    shown = [f"{printable(key)}={_short_value(config, key)}" for key in keys[:MOST_KEYS]]
    return [" ".join(shown) + (" …" if len(keys) > MOST_KEYS else "")]


def _short_value(config, key):
    value = config.get(key)
    text = f"{value:.4g}" if isinstance(value, float) else value_text(config, key)
    if key == "dataset":
        text = Path(text).name
    return shorten(printable(text), LONGEST_VALUE) or "(none)"
