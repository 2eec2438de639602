"""One process of the program: stopped gently, and never left behind."""

import ctypes
import os
import signal
import subprocess
import time

from microgpt_tools.program import alone

# A training stops after its current step and writes a checkpoint; only one that hangs takes this long.
GRACE = 60
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


class Process:
    """A running program whose stderr goes to a file and whose stdout says nothing that is needed."""

    def __init__(self, command, error_file, inherited):
        self._error_file = error_file
        self._stopped_at = None
        parent = os.getpid()

        def die_with_parent():
            # The kernel sends SIGTERM when sweep.py dies, even by SIGKILL.
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        with open(error_file, "wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=alone(),
                # Ctrl-C in a terminal is for sweep.py, which stops its trainings itself.
                start_new_session=True,
                pass_fds=(inherited,),
                preexec_fn=die_with_parent,
            )

    @property
    def was_stopped(self):
        """Whether stop() asked it to end."""
        return self._stopped_at is not None

    def poll(self):
        """The exit code, negative for a signal, or None while it runs."""
        if self.was_stopped and time.monotonic() > self._stopped_at + GRACE:
            self._process.kill()
        return self._process.poll()

    def stop(self):
        if not self.was_stopped:
            self._stopped_at = time.monotonic()
            self._process.terminate()

    def kill(self):
        self._process.kill()

    def wait(self):
        while self.poll() is None:
            time.sleep(0.01)

    def last_error(self):
        """The program's last line on stderr."""
        lines = self._error_file.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.removeprefix("microgpt: error: ") for line in reversed(lines) if line.strip()), "")
