"""Files that are whole or absent: written under another name, then renamed."""

import os
from pathlib import Path

from microgpt_tools.errors import UserError


def replace_file(path, content):
    """Writes bytes; a former file of that name stays as it was if anything fails. Raises OSError."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_name(option, name):
    """Refuses before the work a name, given by that option, under which no file could be written after it."""
    if Path(name).is_dir() or str(name).endswith("/"):
        raise UserError(f"{option} {name}: is a folder; give the name of a file in it")
    if not Path(name).parent.is_dir():
        raise UserError(f"{option} {name}: there is no folder {Path(name).parent}")


def write_whole(path, content):
    """The same for a file that the user has named: what fails is a UserError."""
    try:
        replace_file(path, content)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}; give another name") from None
