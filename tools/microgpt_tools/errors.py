"""The error line of every script: one line that names what is wrong and says what to do."""

import os
import sys
from pathlib import Path


class UserError(Exception):
    """Bad usage or input: the script ends with this message and exit code 2."""


def run_main(main):
    """Calls main() and exits with what it returns; a UserError becomes one line and exit code 2."""
    # Python has none where the stream was closed.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        sys.exit(main())
    except UserError as error:
        print(f"{Path(sys.argv[0]).name}: error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough.
        sys.stdout = None
        sys.exit(1)
    except OSError as error:
        # Such as a full disk behind our output.
        print(f"{Path(sys.argv[0]).name}: error: {error}", file=sys.stderr)
        sys.stdout = None
        sys.exit(1)
    except KeyboardInterrupt:
        # Ctrl-C: the exit code that shells expect of it.
        sys.exit(130)
