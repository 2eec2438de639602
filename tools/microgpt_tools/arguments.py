"""Command lines of all scripts: what is wrong with one is a UserError, as all bad input is."""

import argparse
import re

from microgpt_tools.errors import UserError


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError(f"{message}; see --help")


def whole_number(least):
    """Reads a whole number, for add_argument(type=…)."""

    def read(text):
        # No machine counts further than these digits do.
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {least}")
        return int(text)

    return read


def number(least, most):
    """Reads a number in a range that no arithmetic overflows."""

    def read(text):
        try:
            value = float(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {least:g} to {most:g}")
        return value

    return read
