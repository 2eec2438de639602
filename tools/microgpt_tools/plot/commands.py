"""What plot.py does with its arguments: pictures, or a page, or both.

optuna and plotly take a second each to import; only what is asked for is.
"""

import sys

from microgpt_tools.errors import UserError
from microgpt_tools.plot.curves import read_curves
from microgpt_tools.plot.labels import labels, short_names
from microgpt_tools.program import find_program
from microgpt_tools.whole_file import check_name, write_whole


def plot_runs(arguments):
    folders = _unlike(arguments.folders)
    _check_names(arguments)
    all_curves = read_curves(folders, arguments.smooth)
    empty = [curves.path for curves in all_curves if curves.steps == 0]
    if len(empty) == len(all_curves):
        raise UserError(f"{empty[0]}: the run has logged no step yet; try again when it has")
    for path in empty:
        print(f"plot.py: {path}: the run has logged no step yet", file=sys.stderr)
    names = labels(folders, [curves.config for curves in all_curves])
    if _wants_pictures(arguments):
        from microgpt_tools import pictures
        from microgpt_tools.plot.run_figure import draw_runs

        with pictures.style():
            figure = draw_runs(all_curves, names, arguments.smooth, arguments.by)
            files = pictures.render(figure, _picture_name(arguments, folders, "curves"))
        _tell(pictures.save(files))
    if arguments.html:
        from microgpt_tools.plot.run_page import run_page

        content = run_page(
            all_curves,
            short_names(folders),
            names,
            arguments.smooth,
            lambda: find_program(arguments.program),
            arguments.by,
        )
        write_whole(arguments.html, content)
        _tell([arguments.html])


def plot_sweep(arguments):
    from microgpt_tools.plot.sweep_study import read_sweep

    [folder] = arguments.folders
    _check_names(arguments)
    sweep = read_sweep(folder)
    if _wants_pictures(arguments):
        from microgpt_tools import pictures
        from microgpt_tools.plot.sweep_figure import draw_sweep

        with pictures.style():
            files = pictures.render(draw_sweep(sweep), _picture_name(arguments, [folder], "sweep"))
        _tell(pictures.save(files))
    if arguments.html:
        from microgpt_tools.plot.sweep_page import sweep_page

        content = sweep_page(sweep, arguments.smooth, lambda: find_program(arguments.program), arguments.by)
        write_whole(arguments.html, content)
        _tell([arguments.html])


def _unlike(folders):
    """Each folder once, also if it was given twice or by two names."""
    return list({folder.resolve(): folder for folder in reversed(folders)}.values())[::-1]


def _check_names(arguments):
    """Before the work, what would go wrong after it."""
    if arguments.html and arguments.html.suffix != ".html":
        # Nor does a mistyped command replace a checkpoint with a page.
        raise UserError(f"--html {arguments.html}: the name of a page must end in .html")
    for option, name in (("--out", arguments.out), ("--html", arguments.html)):
        if name is not None:
            check_name(option, name)


def _wants_pictures(arguments):
    return arguments.out is not None or not arguments.html


def _picture_name(arguments, folders, name):
    """Without a suffix: --out, else in the folder that was plotted, or here if there are several."""
    if arguments.out is not None:
        return arguments.out.removesuffix(".png").removesuffix(".svg")
    return str(folders[0] / name) if len(folders) == 1 else name


def _tell(paths):
    for path in paths:
        print(path)
