"""What the runs are called in a legend: short, and never two alike.

A run is called by its folder, with as many of the folders around it as tell it from the others
(trial-00007/seed-42), and by some keys in which configs differ, first those which tell its own from most of
the others: "seed-42 · n_embd=32". Unlike configs give unlike texts.
"""

from pathlib import Path

from microgpt_tools.plot.differences import differing_keys, value_text
from microgpt_tools.plot.printable import printable, shorten

LONGEST_NAME = 40
LONGEST_VALUE = 16
MOST_KEYS = 3


def labels(paths, configs):
    return [" · ".join(filter(None, pair)) for pair in zip(short_names(paths), _settings(configs))]


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


def _settings(configs):
    """A text for each config: MOST_KEYS of its keys, or as many more as it takes to tell all texts apart."""
    keys = _telling_keys(configs)
    rows = [{key: _short_value(config, key) for key in keys} for config in configs]
    unlike = len({tuple(row.values()) for row in rows})
    for count in range(min(MOST_KEYS, len(keys)), len(keys) + 1):
        texts = [_text(row, _keys_of(row, rows, keys, count)) for row in rows]
        if len(set(texts)) == unlike:
            break
    return texts


def _keys_of(row, rows, keys, count):
    """So many keys, chosen by how many of the other rows each tells from this one."""
    chosen = []
    while len(chosen) < count:
        left = [key for key in keys if key not in chosen]
        chosen.append(max(left, key=lambda key: sum(other[key] != row[key] for other in rows)))
        rows = [other for other in rows if other[chosen[-1]] == row[chosen[-1]]]
    return chosen


def _text(row, keys):
    shown = [f"{printable(key)}={row[key]}" for key in keys]
    return " ".join(shown) + (" …" if len(shown) < len(row) else "")


def _short_value(config, key):
    value = config.get(key)
    text = f"{value:.4g}" if isinstance(value, float) else value_text(config, key)
    if key == "dataset":
        text = Path(text).name
    return shorten(printable(text), LONGEST_VALUE) or "(none)"
