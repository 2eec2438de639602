"""Files that are whole or absent: written under another name, then renamed."""

import os
import tempfile
from pathlib import Path

from microgpt_tools.errors import UserError


def write_whole(path, content):
    """Writes bytes; a former file of that name stays as it was if anything fails."""
    path = Path(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(content)
        os.chmod(temporary, 0o666 & ~_umask())  # a temporary file is its owner's only
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}; give another name") from None
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def _umask():
    # The only way to read it is to set it.
    umask = os.umask(0)
    os.umask(umask)
    return umask
