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


def write_whole(path, content):
    """The same for a file that the user has named: what fails is a UserError."""
    try:
        replace_file(path, content)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}; give another name") from None
