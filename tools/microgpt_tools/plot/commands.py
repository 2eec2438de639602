"""What plot.py does with its arguments: pictures, or a page, or both.

optuna and plotly take a second each to import; only what is asked for is.
"""

import sys

from microgpt_tools.errors import UserError, one_line
from microgpt_tools.plot.curves import read_curves
from microgpt_tools.plot.labels import labels, short_names
from microgpt_tools.program import check_program, find_program
from microgpt_tools.whole_file import check_name, write_whole


def plot_runs(arguments):
    folders = _unlike(arguments.folders)
    _check_names(arguments)
    _check_program(arguments)
    all_curves = read_curves(folders, arguments.smooth)
    empty = {curves.path: curves.emptiness for curves in all_curves if curves.emptiness}
    if len(empty) == len(all_curves):
        path, reason = next(iter(empty.items()))
        raise UserError(f"{path}: {reason}, so there is nothing to draw")
    for path, reason in empty.items():
        print(f"plot.py: {one_line(path)}: {reason}", file=sys.stderr)
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
    _check_program(arguments)
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
    for option, name, suffix in (("--out", arguments.out, ".png"), ("--html", arguments.html, "")):
        if name is not None:
            check_name(option, name, suffix)


def _check_program(arguments):
    """One that was asked for must be there; without any, a page says why it has no samples."""
    if arguments.program is not None:
        check_program(find_program(arguments.program))


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
