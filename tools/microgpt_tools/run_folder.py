"""The config of a run, from its folder; metrics.py reads the rest."""

from pathlib import Path

import yaml

from microgpt_tools.errors import UserError


def read_config(folder):
    """Every key of RUN_DIR/config.cfg; raises UserError, naming the file, for what is no run."""
    file = Path(folder) / "config.cfg"
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{folder}: no config.cfg there, so this is not the folder of a run") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{file}: {' '.join(str(error).split())}") from None
    if not isinstance(config, dict):
        raise UserError(f"{file}: not a list of keys and values")
    return config
