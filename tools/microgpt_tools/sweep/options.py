"""Flags, and the YAML file that they may name, become one Definition; flags win."""

import argparse
import os
from pathlib import Path

from microgpt_tools.arguments import Parser
from microgpt_tools.errors import UserError
from microgpt_tools.program import effective_config, find_program
from microgpt_tools.sweep.definition import Definition
from microgpt_tools.sweep.keys import read_value
from microgpt_tools.sweep.parameters import parse_parameter
from microgpt_tools.sweep.storage_url import LOCAL_STORAGE
from microgpt_tools.sweep.sweep_file import read_sweep_file

DEFAULT_TRIALS = 40
DEFAULTS = {
    "sampler": "tpe",
    "pruner": "median",
    "objective": "best",
    "seed": 0,
    "seeds": 1,
    "heartbeat": 10,
}

DESCRIPTION = """\
Searches the settings of microgpt that give the lowest loss. Each trial is one training, in a process
of its own. The same command again goes on where the former one was stopped, and a larger --trials
adds to what is there."""

EXAMPLES = """\
forms of --param:
  log:LOW:HIGH         a number, all orders of magnitude alike    learning_rate=log:1e-3:3e-2
  float:LOW:HIGH       a number, all values alike                 weight_decay=float:0:0.2
  int:LOW:HIGH[:STEP]  a whole number, perhaps in steps           n_head=int:1:4
  intlog:LOW:HIGH      a whole number, all orders alike           batch_size=intlog:4:64
  A,B,C                one of these numbers or words              n_embd=16,32,64

examples:
  tools/sweep.py --config configs/small.cfg --param learning_rate=log:1e-3:3e-2 --param n_embd=16,32,64
  tools/sweep.py --config configs/small.cfg --param batch_size=int:8:64 --documents 4000 --trials 20
  tools/sweep.py --config configs/small.cfg --param n_layer=1,2 --param n_head=1,2,4 --sampler grid --seeds 3
  tools/sweep.py configs/sweep.yml                         the same things written in a file
  tools/sweep.py configs/sweep.yml --trials 100            go on with it, to 100 trials
  tools/sweep.py configs/sweep.yml --storage postgresql://user@host/database --out sweeps/here
                                                           on each of several machines: one search

It leaves, in sweeps/NAME (or --out): best.cfg for `microgpt --config`, trials.csv, sweep.yml,
and each training's run folder in trials/.

exit codes: 0 done, 1 failed while running, 2 bad usage or input, 130 and 143 stopped by Ctrl-C and
SIGTERM (trials that were running leave a checkpoint and go on at the next start)."""


def read_definition(arguments):
    """The definition that the command line gives, with the file that it may name."""
    flags = {key: value for key, value in vars(_parser().parse_args(arguments)).items() if value is not None}
    file = flags.pop("sweep_file", None)
    params = _pairs("--param", flags.pop("params", []))
    overrides = _pairs("--set", flags.pop("set", []))
    given = {key: read_value(f"--{key}", key, text) for key, text in flags.items()}
    if file is not None:
        from_file = read_sweep_file(Path(file))
        params = from_file.pop("params", {}) | params
        overrides = from_file.pop("set", {}) | overrides
        given = from_file | given
    _check_sharing(given, flags, file)
    if "config" not in given:
        raise UserError("no config: give --config FILE or a sweep's YAML file; see --help")
    if not params:
        raise UserError(
            "nothing to search: give --param NAME=FORM, for one key of the config or more; see --help"
        )
    return _definition(DEFAULTS | given, params, overrides)


def _definition(given, params, overrides):
    program = find_program(given.get("program"))
    name = Path(given["config"]).stem
    jobs, threads = _division(given.get("jobs"), given.get("threads"))
    trials = given.get("trials")
    if trials is None and given["sampler"] != "grid":
        trials = DEFAULT_TRIALS
    storage = given.get("storage")
    return Definition(
        program=program,
        config=given["config"],
        overrides=overrides,
        base=effective_config(
            program, given["config"], [f"{key}={value}" for key, value in overrides.items()]
        ),
        parameters=tuple(parse_parameter(key, form) for key, form in params.items()),
        documents=given.get("documents"),
        trials=trials,
        sampler=given["sampler"],
        seed=given["seed"],
        pruner=given["pruner"],
        objective=given["objective"],
        seeds=given["seeds"],
        jobs=jobs,
        threads=threads,
        storage=None if storage == LOCAL_STORAGE else storage,
        study=given.get("study", name),
        heartbeat=given["heartbeat"],
        folder=Path(given.get("out", Path("sweeps") / name)).absolute(),
    )


def _check_sharing(given, flags, file):
    """Refuses what only a storage that machines share has a use for; a sweep.yml of sweep.py's own names all."""
    for key in ("study", "heartbeat"):
        is_needless = given.get("storage", LOCAL_STORAGE) == LOCAL_STORAGE
        if key in given and is_needless and (key in flags or "storage" not in given):
            where = f"--{key}" if key in flags else f"{file}: {key}"
            raise UserError(f"{where}: only a database that machines share needs it; add storage or leave it out")


def _division(jobs, threads):
    """Models this small gain more from many trainings at once than from threads of one."""
    cores = len(os.sched_getaffinity(0))
    if jobs is None:
        jobs = max(1, cores // (threads or 1))
    return jobs, threads or max(1, cores // jobs)


def _parser():
    parser = Parser(
        prog="sweep.py",
        usage="sweep.py [SWEEP.yml] [--config FILE --param NAME=FORM ...] [options]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "sweep_file", nargs="?", metavar="SWEEP.yml", help="a sweep as a file; flags override it"
    )
    search = parser.add_argument_group("what is searched")
    search.add_argument("--config", metavar="FILE", help="what all trials start from")
    search.add_argument(
        "--param",
        metavar="NAME=FORM",
        action="append",
        dest="params",
        help="a key to search; may be repeated",
    )
    search.add_argument(
        "--set", metavar="KEY=VALUE", action="append", help="a key to fix for all trials; may be repeated"
    )
    search.add_argument(
        "--documents",
        metavar="N",
        help="each training sees so many: num_steps becomes N / batch_size, rounded up",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--trials",
        metavar="N",
        help="how many are to finish, or be pruned, in all (default: 40; grid: all of it)",
    )
    how.add_argument(
        "--sampler", metavar="NAME", help="tpe (default) learns from former trials; random; grid"
    )
    how.add_argument(
        "--seed",
        metavar="N",
        help="the sampler's (default: 0): with --jobs 1 all trials follow from it, however often the sweep is "
        "stopped, but for --sampler grid, whose order a stop may change, and --pruner halving, which counts a "
        "stopped trial twice; random proposes the same with any --jobs",
    )
    how.add_argument(
        "--pruner",
        metavar="NAME",
        help="stops hopeless trainings: median (default) those worse than the median of the finished ones, "
        "halving the worse half at the 1st, 2nd, 4th and 8th evaluation, none; for it, a training whose "
        "eval_every is epoch is evaluated every tenth of num_steps, unless --set or --param gives eval_every",
    )
    how.add_argument(
        "--objective",
        metavar="NAME",
        help="rank by the best (default) or the final val_loss of a training; where nothing is held out "
        "(validation_fraction 0) it is the mean of the last tenth of its logged losses, and no pruning",
    )
    how.add_argument(
        "--seeds",
        metavar="N",
        help="train each trial with N seeds, from the config's on, and rank by the mean; only the first of "
        "them may be pruned (default: 1)",
    )
    where = parser.add_argument_group("with what and where")
    where.add_argument("--jobs", metavar="N", help="trials at once (default: cores / threads)")
    where.add_argument("--threads", metavar="N", help="threads of each (default: 1, or cores / jobs)")
    where.add_argument(
        "--out", metavar="DIR", help="the sweep's folder (default: sweeps/NAME, of the config's name)"
    )
    where.add_argument(
        "--storage",
        metavar="URL",
        help="a PostgreSQL or MySQL database that several machines share (default: study.db in the folder); "
        "a password is better in PGPASSWORD or ~/.pgpass, and is never written down",
    )
    where.add_argument(
        "--study", metavar="NAME", help="the study's name in the database (default: the config's)"
    )
    where.add_argument(
        "--heartbeat",
        metavar="SECONDS",
        help="with --storage: how often a machine says that it lives; after six silences its trials are "
        "tried again elsewhere (default: 10)",
    )
    where.add_argument("--program", metavar="FILE", help="the microgpt to run (default: this checkout's)")
    return parser


def _pairs(flag, words):
    pairs = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals and value):
            raise UserError(f"{flag} {word}: is not {'NAME=FORM' if flag == '--param' else 'KEY=VALUE'}")
        if key in pairs:
            raise UserError(f"{flag} {key}: given twice")
        pairs[key] = value
    return pairs
