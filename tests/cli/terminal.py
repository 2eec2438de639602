"""A terminal of a given size, for tests of what a program shows on one."""

import fcntl
import os
import pty
import struct
import termios


def open_terminal(test, columns, rows=24):
    """File descriptors: what a test reads, closed in its end, and what its program writes to. Skips where none is
    to be had. A terminal of 0 columns is one that does not know its width."""
    try:
        terminal, inside = pty.openpty()
    except OSError as error:
        test.skipTest(f"no pseudo-terminal is to be had: {error}")
    test.addCleanup(os.close, terminal)
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return terminal, inside
