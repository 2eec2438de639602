"""A run's metrics.jsonl, line by line: it may be longer than memory holds as dictionaries."""

import json

from microgpt_tools.errors import UserError


def read_metrics(path):
    """Yields a dict for each logged step so far: step, epoch, loss, lr, tokens_per_second, seconds, maybe val_loss.

    A run may still be writing its last line. UserError names the file and the line; none of a file that is
    not there.
    """
    try:
        # Other characters than the line end do not end a line.
        with open(path, encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith("\n"):
                    yield _parsed(line, f"{path}:{number}")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {error}") from None


def _parsed(line, where):
    try:
        metrics = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None
    if not isinstance(metrics, dict):
        raise UserError(f"{where}: not a line of metrics")
    return metrics
