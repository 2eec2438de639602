"""The sweep's folder: one sweep.py at a time works in it, on one sweep, which sweep.yml describes."""

import fcntl
import os
import time
from pathlib import Path

import yaml

from microgpt_tools.errors import UserError
from microgpt_tools.sweep.storage_url import LOCAL_FILE, LOCAL_STORAGE, without_password
from microgpt_tools.whole_file import replace_file

DESCRIPTION = "sweep.yml"
LOCK = "lock"
TRAININGS_LOCK = "trainings.lock"
# What a start that was killed before it wrote sweep.yml may have left.
OWN_FILES = {
    LOCK,
    TRAININGS_LOCK,
    LOCAL_FILE,
    f"{LOCAL_FILE}-wal",
    f"{LOCAL_FILE}-shm",
    f"{LOCAL_FILE}-journal",
}


class SweepFolder:
    """The folder, locked for this process."""

    def __init__(self, definition):
        self.path = definition.folder
        self._make()
        self._lock = self._open(LOCK)
        if not _try_lock(self._lock):
            raise UserError(
                f"{self.path}: another sweep.py is at work there; wait for its end or give another --out"
            )
        self._check_is_the_same(definition)

    def wait_for_trainings(self):
        """Returns once no training of a killed sweep.py is writing its last checkpoint here.

        Trainings inherit the lock: it is free when the last of them has ended. Returns what they inherit.
        """
        lock = self._open(TRAININGS_LOCK)
        if not _try_lock(lock):
            print(
                "waiting for trainings of a sweep.py that was killed to write their checkpoints", flush=True
            )
            while not _try_lock(lock):
                time.sleep(0.05)
        return lock

    def describe(self, definition):
        """Writes sweep.yml, from which `sweep.py sweep.yml` goes on, and others find the study."""
        config = Path(definition.config)
        overrides = dict(definition.overrides)
        if "dataset" in overrides:
            overrides["dataset"] = definition.base["dataset"]  # which is absolute
        description = {
            # What is no file is the name of one of the program's own configs.
            "config": str(config.absolute()) if config.is_file() else definition.config,
            "params": {parameter.name: parameter.form for parameter in definition.parameters},
            "set": overrides,
            "documents": definition.documents,
            "trials": definition.trials,
            "sampler": definition.sampler,
            "seed": definition.seed,
            "pruner": definition.pruner,
            "objective": definition.objective,
            "seeds": definition.seeds,
            "jobs": definition.jobs,
            "threads": definition.threads,
            "heartbeat": definition.heartbeat,
            "out": ".",
            "storage": stored_url(definition),
            "study": definition.study,
        }
        known = {key: value for key, value in description.items() if value not in (None, {})}
        text = yaml.safe_dump(known, sort_keys=False, allow_unicode=True, width=1000)
        replace_file(self.path / DESCRIPTION, text.encode("utf-8"))

    def _make(self):
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in self.path.iterdir()}
        except OSError as error:
            raise UserError(f"{self.path}: {error.strerror}; give another --out") from None
        if DESCRIPTION not in names and not names <= OWN_FILES:
            raise UserError(f"{self.path}: holds other things than a sweep; give another --out")

    def _open(self, name):
        try:
            return os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise UserError(f"{self.path / name}: {error.strerror}; give another --out") from None

    def _check_is_the_same(self, definition):
        path = self.path / DESCRIPTION
        if not path.exists():
            return
        try:
            former = yaml.safe_load(path.read_text(encoding="utf-8"))
            study, storage = former["study"], former["storage"]
        except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError):
            raise UserError(f"{path}: is not what sweep.py wrote; give another --out") from None
        if (study, storage) != (definition.study, stored_url(definition)):
            raise UserError(
                f"{self.path}: holds study '{study}' of {storage}, not study '{definition.study}' of "
                f"{stored_url(definition)}; give another --out"
            )


def stored_url(definition):
    return without_password(definition.storage) if definition.storage else LOCAL_STORAGE


def _try_lock(descriptor):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
