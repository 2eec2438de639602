"""Samples for the page: drawn by the program itself from a run's newest checkpoint, with the run's seed."""

import subprocess

from microgpt_tools.errors import UserError
from microgpt_tools.plot.printable import printable
from microgpt_tools.program import alone

PATIENCE = 300  # seconds


def draw_samples(find, run):
    """(samples, reason): the text that `microgpt generate` prints, or why there is none.

    `find` gives the program's path or raises UserError.
    """
    checkpoint = run / "latest.h5"
    if not checkpoint.exists():
        return "", "no samples: the run has no checkpoint yet"
    try:
        done = subprocess.run(
            [find(), "generate", "--checkpoint", checkpoint],
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            env=alone(),
        )
    except UserError as error:
        return "", f"no samples: {error}"
    except OSError as error:
        return "", f"no samples: {error.filename}: {error.strerror}"
    except subprocess.TimeoutExpired:
        return "", f"no samples: the program took longer than {PATIENCE} s"
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        return "", f"no samples: {said or f'the program ended with exit code {done.returncode}'}"
    return printable(done.stdout.decode("utf-8", "replace").removesuffix("\n"), keep="\n\t"), ""
