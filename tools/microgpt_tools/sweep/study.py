"""Optuna's study: opened or made, and surely the study of this sweep."""

import contextlib
import copy
import sqlite3
import time
import warnings

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, RetryFailedTrialCallback
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from microgpt_tools.errors import UserError
from microgpt_tools.sweep.folder import stored_url
from microgpt_tools.sweep.sampling import make_pruner
from microgpt_tools.sweep.storage_url import LOCAL_FILE, LOCAL_STORAGE, password_of

DATABASE_ERRORS = (SQLAlchemyError, StorageInternalError, sqlite3.Error)
IDENTITY = "sweep"
OPENING_ATTEMPTS = 5
BUSY_TIMEOUT = 60  # seconds that SQLite waits for a reader such as plot.py
SILENCES = 6  # missed heartbeats after which a machine is taken for dead
# A configuration on which machines die again and again is given up.
MOST_DEATHS = 5

# What sweep.py uses of Optuna that is marked experimental is covered by its tests, and the
# heartbeats that ask and tell lack are given by the loop.
warnings.filterwarnings("ignore", category=ExperimentalWarning)
warnings.filterwarnings("ignore", message="Heartbeat of storage is supposed to be used")
optuna.logging.set_verbosity(optuna.logging.ERROR)


class TrialTaken(Exception):
    """Another machine took this one for dead and tries the trial again."""


def open_study(definition):
    """The study and its storage; UserError if the database refuses, or holds another sweep of that name."""
    identity = definition.identity()
    storage = _open_storage(definition)
    study = optuna.create_study(
        storage=storage, study_name=definition.study, direction="minimize", load_if_exists=True
    )
    if IDENTITY not in study.user_attrs:
        study.set_user_attr(IDENTITY, identity)
    _check_identity(definition, study.user_attrs[IDENTITY], identity)
    if not study.get_trials(deepcopy=False) and (definition.folder / "trials").exists():
        raise UserError(
            f"{definition.folder}: holds trials that the study knows nothing of: it was deleted? "
            "Move the folder away or give another --out"
        )
    study.pruner = make_pruner(definition)
    return study, storage


def put_back(study, trial, most=None):
    """Puts the configuration of a failed trial back into the queue, unless it was there `most` times."""
    again = copy.deepcopy(trial)
    again.user_attrs = {}  # they tell of the failed one
    RetryFailedTrialCallback(max_retry=most)(study, again)


@contextlib.contextmanager
def unless_taken():
    """Around what changes a trial: Optuna refuses it where another machine has failed the trial already."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise TrialTaken from error


def database_error_line(definition, error):
    """What the database said, in one line and without the password."""
    cause = error.__cause__ or error
    text = " ".join(str(getattr(cause, "orig", None) or cause).split())
    password = definition.storage and password_of(definition.storage)
    place = stored_url(definition) if definition.storage else definition.folder / LOCAL_FILE
    return f"{place}: {text.replace(password, '***') if password else text}"


def _open_storage(definition):
    if definition.storage is None:

        def connect():
            # A URL could not hold every path.
            connection = sqlite3.connect(definition.folder / LOCAL_FILE, timeout=BUSY_TIMEOUT)
            # With the journal below only a power failure can undo the last trials; nothing spoils the rest.
            connection.execute("PRAGMA synchronous=NORMAL")
            return connection

        # Whoever looks at the study meanwhile neither waits for the sweep nor holds it up.
        with contextlib.closing(connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        # Connections that stay open: closing the last one flushes the journal, at each of many small steps.
        return RDBStorage(LOCAL_STORAGE, engine_kwargs={"creator": connect, "poolclass": QueuePool})
    for attempt in range(1, OPENING_ATTEMPTS + 1):
        try:
            return RDBStorage(
                definition.storage.replace("{", "{{").replace("}", "}}"),  # it is a template to Optuna
                engine_kwargs={"pool_pre_ping": True},
                heartbeat_interval=definition.heartbeat,
                grace_period=SILENCES * definition.heartbeat,
                failed_trial_callback=lambda study, trial: put_back(study, trial, MOST_DEATHS),
            )
        except (IntegrityError, ProgrammingError):
            # Two machines that both make the tables of a new database get in each other's way.
            if attempt == OPENING_ATTEMPTS:
                raise
            time.sleep(0.2 * attempt)
        except ImportError as error:
            raise UserError(
                f"{stored_url(definition)}: {error.__cause__ or error}: apt-get install python3-psycopg2 for "
                "postgresql://, python3-mysqldb for mysql://, python3-pymysql for mysql+pymysql://"
            ) from None
        except RuntimeError as error:  # the tables are another version of Optuna's
            raise UserError(f"{stored_url(definition)}: {' '.join(str(error).split())}") from None


def _check_identity(definition, known, ours):
    for key in {**known, **ours}:
        if known.get(key) != ours.get(key):
            raise UserError(
                f"{definition.folder}: study '{definition.study}' holds a different sweep, of {key} "
                f"{known.get(key)}, not {ours.get(key)}; give another "
                + ("--study and --out" if definition.storage else "--out")
            )
