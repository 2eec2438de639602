"""A sweep from its command line to its result."""

import shlex
import signal
import sys

from microgpt_tools.errors import UserError, print_error
from microgpt_tools.sweep.check import check
from microgpt_tools.sweep.folder import SweepFolder
from microgpt_tools.sweep.loop import Hopeless, Loop, StopSignals
from microgpt_tools.sweep.options import read_definition
from microgpt_tools.sweep.outcomes import best_of, is_finished
from microgpt_tools.sweep.results import BEST_CONFIG, Results
from microgpt_tools.sweep.search import Search
from microgpt_tools.sweep.study import DATABASE_ERRORS, database_error_line, open_study
from microgpt_tools.sweep.view import make_view, params_text, result_text


def main(arguments):
    definition = read_definition(arguments)
    check(definition)
    definition.identity()  # which reads the dataset: before there is a folder
    folder = SweepFolder(definition)
    inherited = folder.wait_for_trainings()
    try:
        study, storage = open_study(definition)
        folder.describe(definition)
        search = Search(definition, study, storage)
    except DATABASE_ERRORS as error:
        raise UserError(database_error_line(definition, error)) from None
    try:
        return _run(definition, search, inherited)
    except DATABASE_ERRORS as error:
        return _failed(database_error_line(definition, error))
    except BrokenPipeError:
        raise  # our reader has seen enough, which is no failure of the sweep's
    except OSError as error:
        return _failed(f"{error.filename or definition.folder}: {error.strerror or error}")


def _run(definition, search, inherited):
    results = Results(definition, search)
    results.write_base()
    try:
        with StopSignals() as signals, make_view(definition, search) as view:
            stopped_by = Loop(search, view, inherited, lambda trial: results.write()).run(signals)
        results.write()
    except Hopeless as error:
        results.write()
        return _failed(str(error))
    trials = search.trials()
    finished = sum(is_finished(trial) for trial in trials)
    best = best_of(trials)
    if best:
        print(
            f"best: trial {best.number}, {definition.measure} {result_text(best)}, "
            f"{params_text(definition, best)}"
        )
        command = [str(definition.program), "--config", str(definition.folder / BEST_CONFIG)]
        print(f"train it: {shlex.join(command)}")
    if stopped_by:
        name = signal.Signals(stopped_by).name
        print(
            f"sweep.py: stopped by {name} with {finished} of {search.wanted} trials; "
            "the same command goes on",
            file=sys.stderr,
        )
        return 128 + stopped_by
    if not best:
        return _failed("no trial is complete; trials.csv tells why")
    return 0


def _failed(message):
    print_error(message)
    return 1
