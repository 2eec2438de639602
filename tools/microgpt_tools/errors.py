"""The error line of every script: one line that names what is wrong and says what to do."""

import contextlib
import io
import os
import re
import signal
import sys
from pathlib import Path

# They end a line, or steer a terminal; a file's name may hold them.
CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class UserError(Exception):
    """Bad usage or input: the script ends with this message and exit code 2."""


class OutputError(Exception):
    """What the script prints finds no room: it ends with exit code 1."""


class Output(io.TextIOWrapper):
    """Standard output, whose failures, such as a full disk behind it, are not taken for those of another file."""

    def write(self, text):
        with _output_errors():
            return super().write(text)

    def flush(self):
        with _output_errors():
            super().flush()


def one_line(text):
    r"""The text with \n for a line end, and so on."""
    return CONTROL_CHARACTERS.sub(lambda found: repr(found[0])[1:-1], str(text))


def print_error(message):
    try:
        print(f"{Path(sys.argv[0]).name}: error: {one_line(message)}", file=sys.stderr)
    except OSError:
        sys.stderr = None  # whoever cannot read it still gets the exit code


def run_main(main):
    """Calls main() and exits with what it returns; a UserError becomes one line and exit code 2."""
    # Python has none where the stream was closed.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    else:
        sys.stdout = Output(
            sys.stdout.buffer, sys.stdout.encoding, sys.stdout.errors,
            line_buffering=sys.stdout.line_buffering, write_through=sys.stdout.write_through,
        )  # fmt: skip
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    # As Ctrl-C does: temporary folders go with the script.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        sys.exit(_flushed(main))
    except UserError as error:
        print_error(error)
        sys.exit(2)
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough.
        sys.stdout = None
        sys.exit(1)
    except OutputError as error:
        print_error(error)
        sys.stdout = None
        sys.exit(1)
    except OSError as error:
        print_error(f"{error.filename}: {error.strerror}" if error.filename else error)
        sys.exit(1)
    except KeyboardInterrupt:
        # Ctrl-C: the exit code that shells expect of it.
        sys.exit(130)


def _flushed(main):
    """What main() returns, or exits with, once all that it printed is out."""
    try:
        code = main()
    except SystemExit as end:  # such as --help's
        code = end.code
    sys.stdout.flush()
    return code


@contextlib.contextmanager
def _output_errors():
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: could not be written: {error.strerror}") from None
