"""The microgpt program: where it is, and the config that it would run with."""

import os
import shutil
import subprocess
from pathlib import Path

import yaml

from microgpt_tools.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]

# By these a program under mpirun or srun knows that it is one of several.
LAUNCHER_VARIABLES = ("OMPI_COMM_WORLD_", "PMI_", "PMIX_")


def alone():
    """The environment for a program that is nobody's rank, though the script that starts it may be one."""
    return {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHER_VARIABLES)}


def find_program(given=None):
    """The path of the program: the given one, $MICROGPT, this checkout's build, or the one on the PATH.

    Raises UserError if there is none.
    """
    wanted = given or os.environ.get("MICROGPT")
    if wanted:
        found = shutil.which(wanted)
        if not found:
            raise UserError(f"{wanted}: no such program, or none that can be run; give --program the path of microgpt")
        return Path(found).absolute()
    built = REPOSITORY / "build" / "release" / "microgpt"
    if os.access(built, os.X_OK):
        return built
    installed = shutil.which("microgpt")
    if not installed:
        raise UserError("microgpt is not built yet: run tools/run.sh --tools, or give --program FILE")
    return Path(installed).absolute()


def check_program(program):
    """UserError if it does not answer as microgpt does."""
    try:
        done = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=False, env=alone()
        )
        answers = done.stdout.startswith(b"microgpt ")
    except OSError:
        answers = False
    if not answers:
        raise UserError(f"{program}: is not microgpt, or cannot be run; give --program the path of microgpt")


def effective_config(program, config, overrides=()):
    """The config, every key, as a dict, that `microgpt --config CONFIG --set …` would run with.

    The program itself judges keys and values: UserError carries the error line that it printed.
    """
    command = [program, "--config", config]
    for override in overrides:
        command += ["--set", override]
    command.append("--print-config")
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=alone())
    if done.returncode != 0 and done.stderr.startswith("microgpt: error: "):
        raise UserError(done.stderr.strip().removeprefix("microgpt: error: "))
    try:
        effective = yaml.safe_load(done.stdout) if done.returncode == 0 else None
    except yaml.YAMLError:
        effective = None
    if not isinstance(effective, dict):
        raise UserError(f"{program}: did not print a config when asked to; give --program the path of microgpt")
    return effective
