"""Where the study is: a file in the sweep's folder, or a database that machines share."""

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from microgpt_tools.errors import UserError

LOCAL_FILE = "study.db"
LOCAL_STORAGE = f"sqlite:///{LOCAL_FILE}"  # as sweep.yml names it, relative to the folder
DATABASES = ("postgresql", "mysql")
PASSWORD_KEYS = ("password", "passwd")


def check_storage_url(where, text):
    if text == LOCAL_STORAGE:
        return
    try:
        url = make_url(text)
        database = url.get_backend_name()
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is not repeated.
        raise UserError(f"{where}: is not a URL like postgresql://user@host/database") from None
    if database not in DATABASES:
        raise UserError(
            f"{where}: machines cannot share {database}: give postgresql://user@host/database or "
            "mysql://user@host/database, or leave it out for a file in the sweep's folder"
        )


def without_password(text):
    """The URL as it may be written down and printed."""
    url = make_url(text)
    query = {key: value for key, value in url.query.items() if key not in PASSWORD_KEYS}
    return URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, query
    ).render_as_string()


def password_of(text):
    url = make_url(text)
    return url.password or next((url.query[key] for key in PASSWORD_KEYS if key in url.query), None)
