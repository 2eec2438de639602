"""Python packages that may be missing: one clear line that says what to install.

Called before the modules that import them:

    require_packages("optuna", "yaml")
"""

import contextlib
import importlib.util
import os
import signal
import sys
from pathlib import Path

DEBIAN_PYTHON = "/usr/bin/python3"
DEBIAN_PACKAGES = {
    "h5py": "python3-h5py",
    "matplotlib": "python3-matplotlib",
    "numpy": "python3-numpy",
    "optuna": "python3-optuna",
    "plotly": "python3-plotly",
    "psycopg2": "python3-psycopg2",
    "rich": "python3-rich",
    "sklearn": "python3-sklearn",
    "yaml": "python3-yaml",
}


def require_packages(*modules):
    """Returns if every module can be imported; else starts the script again or ends it with exit code 2.

    Debian installs its packages for /usr/bin/python3 only, while another python3 may come first on
    the PATH (pyenv, conda): the script is then started again, once, with Debian's.
    """
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if not missing:
        return
    is_debian_python = os.path.realpath(sys.executable) == os.path.realpath(DEBIAN_PYTHON)
    if not is_debian_python and os.access(DEBIAN_PYTHON, os.X_OK):
        os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, *sys.argv])
    names = " ".join(DEBIAN_PACKAGES[module] for module in missing)
    script = Path(sys.argv[0]).name
    print(f"{script}: error: Python packages are missing: run tools/run.sh --tools, or apt-get install {names}",
          file=sys.stderr)
    sys.exit(2)


@contextlib.contextmanager
def plain_interrupts():
    """Ctrl-C just ends the script while it imports: an import that is broken off would blame its package."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
