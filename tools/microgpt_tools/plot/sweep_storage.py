"""Where a sweep's study is kept, and how to read it without changing anything.

SWEEP_DIR/sweep.yml names the storage and the study. Of an SQLite file a copy is read, taken as one
transaction; a session with PostgreSQL is told to be read-only. So a sweep may go on meanwhile.
"""

import os
import sqlite3
import tempfile
from pathlib import Path

import optuna
import sqlalchemy

from microgpt_tools.errors import UserError
from microgpt_tools.plot.printable import printable
from microgpt_tools.yaml_file import read_yaml

DEFINITION = "sweep.yml"
CONNECT_SECONDS = 20


def read_definition(file):
    try:
        definition = read_yaml(file)
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    for key in ("storage", "study"):
        if not isinstance(definition, dict) or not isinstance(definition.get(key), str):
            raise UserError(f"{file}: there is no {key} in it; was it written by sweep.py?")
    return definition


def read_study(path, storage, name):
    """The study of that name, whole, in memory."""
    try:
        url = sqlalchemy.engine.make_url(storage)
    except sqlalchemy.exc.ArgumentError:
        raise UserError(f"{path / DEFINITION}: its storage is not the URL of a database") from None
    if url.get_backend_name() != "sqlite":
        where = url.set(password=None, query={}).render_as_string()  # a query may hold a password, too
        return _copy(storage, name, where, _connection_arguments(url))
    file = path / (url.database or "")
    if not file.is_file():
        raise UserError(f"{file}: no such file, though {path / DEFINITION} names it as the sweep's study")
    with tempfile.TemporaryDirectory(prefix="microgpt-plot-") as folder:
        snapshot = Path(folder) / "study.db"
        _take_snapshot(file, snapshot)
        return _copy(f"sqlite:///{snapshot}", name, file, {})


def _take_snapshot(file, snapshot):
    """A copy of an SQLite file, whoever writes to it, without a trace.

    An ordinary reader of a file with a write-ahead log leaves an empty log behind; so as long as nobody has
    the file open, it is read as one that cannot change, and read again if it did.
    """
    try:
        before = _state(file)
        if before is not None:
            _back_up(file, "immutable=1", snapshot)
        if before is None or _state(file) != before:
            _back_up(file, "mode=ro", snapshot)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"{file}: cannot be read: {error}") from None


def _state(file):
    """Which version of the file this is; None if there is a log or a journal, so that it may be changing."""
    if any(os.path.exists(f"{file}{suffix}") for suffix in ("-wal", "-journal")):
        return None
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _back_up(file, how, snapshot):
    snapshot.unlink(missing_ok=True)
    source = sqlite3.connect(f"{file.resolve().as_uri()}?{how}", uri=True, timeout=CONNECT_SECONDS)
    target = sqlite3.connect(snapshot)
    try:
        source.backup(target)
    finally:
        target.close()
        source.close()


def _connection_arguments(url):
    if url.get_backend_name() == "postgresql":
        read_only = {"options": "-c default_transaction_read_only=on", "connect_timeout": CONNECT_SECONDS}
        return {"connect_args": read_only}
    return {}


def _copy(storage, name, where, engine_arguments):
    """The study in memory; `where` is what an error calls the storage (never with a password)."""
    storage_object = None
    try:
        storage_object = optuna.storages.RDBStorage(storage, engine_kwargs=engine_arguments)
        former = optuna.load_study(study_name=name, storage=storage_object)
        copy = optuna.create_study(directions=former.directions)
        copy.add_trials(former.get_trials(deepcopy=False))
    except KeyError:
        raise UserError(f"{where}: there is no study called {printable(name)}") from None
    except ImportError as error:
        raise UserError(f"{where}: the database's driver is missing: {error}") from None
    except (sqlalchemy.exc.SQLAlchemyError, RuntimeError, ValueError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise UserError(f"{where}: the study cannot be read: {reason}") from None
    finally:
        if storage_object is not None:
            storage_object.remove_session()
            storage_object.engine.dispose()
    return copy
