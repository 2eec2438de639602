"""Files that are whole or absent: written under another name, then renamed."""

import os
from pathlib import Path

from microgpt_tools.errors import UserError


def replace_file(path, content):
    """Writes bytes; a former file of that name stays as it was if anything fails. Raises OSError."""
    path = Path(path)
    temporary = _temporary(path)
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_name(option, name, suffix=""):
    """Refuses before the work a name, given by that option, if no file NAME+suffix could be written after it."""
    if not str(name):
        raise UserError(f"{option}: is empty; give the name of a file")
    if os.path.isdir(name) or str(name).endswith("/"):
        raise UserError(f"{option} {name}: is a folder; give the name of a file in it")
    try:
        os.stat(_temporary(Path(f"{name}{suffix}")))  # of all names the longest
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UserError(f"{option} {name}: {error.strerror}; give another name") from None


def write_whole(path, content):
    """The same for a file that the user has named, in a folder that is made: what fails is a UserError."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}; give another name") from None


def _temporary(path):
    return path.with_name(f".{path.name}.new")
