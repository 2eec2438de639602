"""The program itself judges the settings before the first trial, so that a typo costs no search."""

import itertools
import math

from microgpt_tools.errors import UserError
from microgpt_tools.program import effective_config
from microgpt_tools.sweep.parameters import value_text

# Changing what is learnt or held out makes losses that cannot be compared.
INCOMPARABLE = ("dataset", "documents", "validation_fraction")
MOST_COMBINATIONS = 100
MOST_GRID_POINTS = 100_000


def check(definition):
    """UserError names the first thing that cannot work."""
    _check_keys(definition)
    _check_held_out(definition.base)
    if definition.sampler == "grid":
        size = math.prod(len(parameter.grid()) for parameter in definition.parameters)
        if size > MOST_GRID_POINTS:
            raise UserError(f"sampler grid: {size} combinations are too many; use tpe or random")
    for parameter in definition.parameters:
        for value in parameter.probes():
            _check_value(definition, parameter, value)


def _check_keys(definition):
    names = [parameter.name for parameter in definition.parameters]
    for name in names:
        if name in INCOMPARABLE:
            raise UserError(f"param {name}: losses could not be compared; fix it for all trials with set")
        if name in definition.overrides:
            raise UserError(f"{name} is both searched (param) and fixed (set): give one of them")
    if "seed" in names and definition.seeds > 1:
        raise UserError("param seed: seeds already repeats each trial over seeds; give one of them")
    if definition.documents:
        for name in ("num_steps", "num_epochs"):
            if name in names or name in definition.overrides:
                raise UserError(f"documents sets num_steps, so {name} cannot be given too")
        for size in _batch_sizes(definition):
            if not isinstance(size, int) or size < 1:
                raise UserError(f"documents needs a whole number above 0 as batch_size, not {size}")


def _check_held_out(base):
    """A part of the documents that rounds to none leaves no val_loss to go by."""
    part = base["validation_fraction"]
    if part == 0:
        return
    try:
        with open(base["dataset"], encoding="utf-8") as file:
            if base["documents"] == "text":
                count = math.ceil((len(file.read()) + 1) / base["block_size"])
            else:
                count = sum(1 for line in file if line.strip())
    except (OSError, UnicodeDecodeError):
        return  # which the program says better
    if math.floor(part * count) == 0:
        raise UserError(
            f"validation_fraction {part:g} of {count} documents holds none out, so there is no val_loss to go by: "
            "raise it, or set it to 0 to go by the loss"
        )


def _batch_sizes(definition):
    for parameter in definition.parameters:
        if parameter.name == "batch_size":
            return parameter.probes()
    return [definition.base["batch_size"]]


def _check_value(definition, parameter, value):
    """The program must accept the value alone, or at least with some values of the other parameters."""
    refusal = _refusal(definition, {parameter.name: value})
    others = [other for other in definition.parameters if other is not parameter]
    if not refusal or not others:
        combinations = []
    else:
        combinations = itertools.product(*(other.probes() for other in others))
    for values in itertools.islice(combinations, MOST_COMBINATIONS):
        params = dict(zip((other.name for other in others), values)) | {parameter.name: value}
        if not _refusal(definition, params):
            return
    if refusal:
        raise UserError(f"param {parameter.name}={parameter.form}: {refusal}")


def _refusal(definition, params):
    """The program's error line, or "" if it would run."""
    settings = definition.settings(params)
    try:
        effective_config(definition.program, definition.config, overrides_of(definition, settings))
    except UserError as error:
        return str(error)
    return ""


def overrides_of(definition, settings):
    """KEY=VALUE, for each --set."""
    return [f"{key}={value_text(value)}" for key, value in (definition.overrides | settings).items()]
