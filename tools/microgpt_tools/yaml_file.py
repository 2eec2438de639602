"""Files in YAML; what is wrong with one is a UserError that names the file and the line."""

import yaml

from microgpt_tools.errors import UserError


def read_yaml(path, loader=yaml.SafeLoader):
    """What the file holds; raises OSError if it cannot be opened."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: is not UTF-8: save the file in that encoding") from None
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506: a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(filter(None, (error.context, error.problem)))
        raise UserError(f"{path}:{mark.line + 1}: not YAML: {reason}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{path}:{line}: not YAML: U+{error.character:04X} may not stand in it") from None
    except (ValueError, AttributeError) as error:  # such as of a date that is none
        raise UserError(f"{path}: not YAML: {error}") from None
    except RecursionError:
        raise UserError(f"{path}: not YAML: nested too deep") from None
