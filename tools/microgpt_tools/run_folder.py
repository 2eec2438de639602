"""What a run left behind: RUN_DIR/config.cfg, metrics.jsonl and checkpoints."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from microgpt_tools.errors import UserError


@dataclass(frozen=True)
class RunFolder:
    """A run as its folder tells it; raises UserError, naming the file, for what is no run."""

    path: Path
    config: dict   # every key of config.cfg
    metrics: list  # one dict a logged step: step, epoch, loss, lr, tokens_per_second, seconds, maybe val_loss

    @property
    def name(self):
        return self.path.name

    @classmethod
    def read(cls, path):
        path = Path(path)
        try:
            config = yaml.safe_load((path / "config.cfg").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"{path}: no config.cfg there, so this is not the folder of a run") from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UserError(f"{path / 'config.cfg'}: {' '.join(str(error).split())}") from None
        if not isinstance(config, dict):
            raise UserError(f"{path / 'config.cfg'}: not a list of keys and values")
        return cls(path, config, read_metrics(path / "metrics.jsonl"))


def read_metrics(path):
    """The lines of a metrics.jsonl so far, as dicts. A run may still be writing its last one."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {error}") from None
    lines = text.split("\n")
    metrics = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            metrics.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}:{number}: not JSON: {error}") from None
    return metrics
