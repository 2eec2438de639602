"""A terminal of a given size, for tests of what a program shows on one."""

import fcntl
import os
import pty
import struct
import termios


def open_pair(test):
    """File descriptors: what a test reads, and what its program writes to. Skips where none is to be had."""
    try:
        return pty.openpty()
    except OSError as error:
        test.skipTest(f"no pseudo-terminal is to be had: {error}")


def open_terminal(test, columns, rows=24):
    """The same; what the test reads is closed in its end. A terminal of 0 columns does not know its width."""
    terminal, inside = open_pair(test)
    test.addCleanup(os.close, terminal)
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return terminal, inside
