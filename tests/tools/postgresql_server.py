"""A PostgreSQL server of its own for a test: on loopback, with its files in a temporary folder, gone afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path
from urllib.parse import quote

PATIENCE = 240  # seconds


class PostgreSQLServer:
    """Started by its constructor; SkipTest if there is none on this machine."""

    USER = "tester"
    PASSWORD = "open%sesame"

    def __init__(self, test):
        initdb = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [shutil.which("initdb")]
        if not initdb[-1]:
            raise unittest.SkipTest("PostgreSQL's server is not installed")
        self._programs = Path(initdb[-1]).parent
        self._identity = _identity()
        holder = tempfile.TemporaryDirectory(prefix="microgpt-postgresql-")
        test.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        if self._identity:
            os.chown(self.folder, self._identity["user"], self._identity["group"])
        password = self.folder / "password"
        password.write_text(self.PASSWORD, encoding="utf-8")
        self._data = self.folder / "data"
        self._run("initdb", "-D", self._data, "-U", self.USER, "-A", "scram-sha-256", "--pwfile", password)
        test.addCleanup(self.stop)
        self._port = _free_port()
        self.start()

    def start(self):
        # Nothing here has to survive a power failure.
        options = f"-c listen_addresses=127.0.0.1 -c port={self._port} -k {self.folder} -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-o", options, "-l", self.folder / "log", "-w", "start")

    def stop(self):
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def url(self, password="", database="postgres"):
        secret = password and ":" + quote(password)
        return f"postgresql://{self.USER}{secret}@127.0.0.1:{self._port}/{database}"

    def _run(self, name, *arguments):
        log = self.folder / f"{name}.txt"
        with open(log, "wb") as output:  # not a pipe, which the server would hold open
            done = subprocess.run(
                [self._programs / name, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=PATIENCE,
                check=False,
                **self._identity,
            )
        if done.returncode != 0:
            raise AssertionError(f"{name}: {log.read_text(encoding='utf-8')}")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _identity():
    """As whom to run the server: root is refused."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise unittest.SkipTest("there is no user postgres to run PostgreSQL as") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
