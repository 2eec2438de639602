"""The keys of a sweep, of the command line and of a YAML file alike, and which values they take."""

import re

from microgpt_tools.errors import UserError
from microgpt_tools.sweep.storage_url import check_storage_url

CHOICES = {
    "sampler": ("tpe", "random", "grid"),
    "pruner": ("median", "halving", "none"),
    "objective": ("best", "final"),
}
LEAST = {"trials": 1, "documents": 1, "seed": 0, "seeds": 1, "jobs": 1, "threads": 1, "heartbeat": 1}
MOST = {"seeds": 1000, "jobs": 1000, "threads": 4096}
PATHS = ("out", "program")
TEXTS = ("config", "study", "storage")
KEYS = ("params", "set", *CHOICES, *LEAST, *PATHS, *TEXTS)


def read_value(where, key, text):
    """The value of a key, from a flag or the file, which `where` names."""
    if key in CHOICES:
        if text not in CHOICES[key]:
            raise UserError(f"{where}: '{text}' is none of {', '.join(CHOICES[key])}")
    elif key in LEAST:
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or int(text) < LEAST[key]:
            raise UserError(f"{where}: '{text}' is not a whole number of at least {LEAST[key]}")
        if int(text) > MOST.get(key, int(text)):
            raise UserError(f"{where}: '{text}' is more than {MOST[key]}")
        return int(text)
    elif not text:
        raise UserError(f"{where}: is empty")
    elif key == "storage":
        check_storage_url(where, text)
    return text
