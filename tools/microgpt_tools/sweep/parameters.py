"""What the search may choose from: --param NAME=FORM.

A form is a range, log:LOW:HIGH, float:LOW:HIGH, int:LOW:HIGH[:STEP] or intlog:LOW:HIGH, or a list
of choices, A,B,C. Each becomes a distribution of Optuna's.
"""

import math
import re
from dataclasses import dataclass

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from microgpt_tools.errors import UserError

FORMS = "log:LOW:HIGH, float:LOW:HIGH, int:LOW:HIGH[:STEP], intlog:LOW:HIGH or a list A,B,C"


@dataclass(frozen=True)
class Parameter:
    """A key of the config and where its values come from."""

    name: str
    form: str
    distribution: BaseDistribution

    def probes(self):
        """Values that the program has to accept if it is to accept all: the choices, or both ends."""
        if isinstance(self.distribution, CategoricalDistribution):
            return self.distribution.choices
        return (self.distribution.low, self.distribution.high)

    def grid(self):
        """Every value, for an exhaustive search; UserError if they cannot be counted."""
        distribution = self.distribution
        if isinstance(distribution, CategoricalDistribution):
            return list(distribution.choices)
        if isinstance(distribution, IntDistribution) and not distribution.log:
            return list(range(distribution.low, distribution.high + 1, distribution.step))
        raise UserError(
            f"param {self.name}={self.form}: a grid needs a list of values, A,B,C, or int:LOW:HIGH:STEP"
        )


def parse_parameter(name, form):
    """The parameter that NAME=FORM describes; UserError says what is wrong with it."""
    kind, colon, rest = form.partition(":")
    try:
        if colon and kind in ("log", "float"):
            distribution = _float_range(rest, log=kind == "log")
        elif colon and kind in ("int", "intlog"):
            distribution = _int_range(rest, log=kind == "intlog")
        elif colon and "," not in form and re.fullmatch(r"\w+:[^:]+:[^:]+(:[^:]+)?", form):
            raise ValueError(f"'{kind}' is no kind of range: use {FORMS}")
        else:
            distribution = CategoricalDistribution(_choices(form))
    except ValueError as error:
        raise UserError(f"param {name}={form}: {error}") from None
    return Parameter(name, form, distribution)


def value_text(value):
    """A value as --set takes it; no digit of a number gets lost."""
    return repr(value) if isinstance(value, float) else str(value)


def _float_range(text, log):
    bounds = [_number(word) for word in text.split(":")]
    if len(bounds) != 2:
        raise ValueError(f"needs LOW:HIGH, like {'log:1e-3:3e-2' if log else 'float:0:0.5'}")
    low, high = bounds
    _check_order(low, high)
    if log and low <= 0:
        raise ValueError(f"a logarithmic range starts above 0, not at {low:g}")
    return FloatDistribution(low, high, log=log)


def _int_range(text, log):
    bounds = [_whole_number(word) for word in text.split(":")]
    if len(bounds) not in ((2,) if log else (2, 3)):
        raise ValueError(f"needs {'LOW:HIGH, like intlog:8:512' if log else 'LOW:HIGH or LOW:HIGH:STEP'}")
    low, high, *steps = bounds
    _check_order(low, high)
    if log:
        if low < 1:
            raise ValueError(f"a logarithmic range starts above 0, not at {low}")
        return IntDistribution(low, high, log=True)
    step = steps[0] if steps else 1
    if step < 1:
        raise ValueError(f"the step must be at least 1, not {step}")
    if (high - low) % step:
        raise ValueError(
            f"steps of {step} from {low} do not end at {high}, but at {high - (high - low) % step}"
        )
    return IntDistribution(low, high, step=step)


def _check_order(low, high):
    if low >= high:
        raise ValueError("LOW must be below HIGH; to fix the value for all trials: set, not param")


def _number(word):
    try:
        number = float(word)
    except ValueError:
        raise ValueError(f"'{word}' is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"'{word}' is not a finite number")
    return number


def _whole_number(word):
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"'{word}' is not a whole number") from None


def _choices(form):
    words = [word.strip() for word in form.split(",")]
    if "" in words:
        raise ValueError(f"an empty choice: use {FORMS}")
    choices = [_choice(word) for word in words]
    if len(choices) == 1:
        raise ValueError(f"a single value leaves nothing to choose: fix it with set, or use {FORMS}")
    for choice in choices:
        if choices.count(choice) > 1:
            raise ValueError(f"{value_text(choice)} is listed twice")
    return choices


def _choice(word):
    """A number where it is one, so that tables and plots can sort and draw it."""
    for read in (int, float):
        try:
            number = read(word)
        except ValueError:
            continue
        return number if math.isfinite(number) else word
    return word
