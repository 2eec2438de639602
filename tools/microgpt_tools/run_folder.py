"""The config of a run, from its folder; metrics.py reads the rest."""

from pathlib import Path

from microgpt_tools.errors import UserError
from microgpt_tools.yaml_file import read_yaml


def read_config(folder):
    """Every key of RUN_DIR/config.cfg; raises UserError, naming the file, for what is no run."""
    file = Path(folder) / "config.cfg"
    try:
        config = read_yaml(file)
    except FileNotFoundError:
        raise UserError(f"{folder}: no config.cfg there, so this is not the folder of a run") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    if not isinstance(config, dict):
        raise UserError(f"{file}: not a list of keys and values")
    return config
