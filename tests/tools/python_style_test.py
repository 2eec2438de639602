"""Every Python file of tools/ and tests/ compiles, says what it is for, and leaves nothing unused."""

import ast
import os
import shutil
import subprocess
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("MICROGPT_SOURCE") or Path(__file__).resolve().parents[2])
FILES = sorted(path for folder in ("tools", "tests") for path in (ROOT / folder).rglob("*.py"))
LONGEST_LINE = 120
PYFLAKES = shutil.which("pyflakes3")


class PythonStyle(unittest.TestCase):
    def assert_none(self, faults):
        if faults:
            self.fail("\n" + "\n".join(faults))

    def test_there_are_files(self):
        self.assertIn(Path(__file__).resolve(), [path.resolve() for path in FILES])

    def test_each_compiles_and_begins_with_a_docstring(self):
        faults = []
        for path in FILES:
            try:
                tree = ast.parse(path.read_bytes(), str(path))
            except (SyntaxError, ValueError) as error:
                faults.append(f"{path}: {error}")
                continue
            if not ast.get_docstring(tree):
                faults.append(f"{path}:1: no docstring says what the module is for")
        self.assert_none(faults)

    def test_no_line_is_too_long(self):
        self.assert_none([
            f"{path}:{number}: {len(line)} characters, more than {LONGEST_LINE}"
            for path in FILES
            for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1)
            if len(line) > LONGEST_LINE
        ])  # fmt: skip

    @unittest.skipUnless(PYFLAKES, "pyflakes3 is not installed")
    def test_no_name_is_unused_or_undefined(self):
        done = subprocess.run([PYFLAKES, *FILES], capture_output=True, text=True, timeout=300, check=False)
        self.assert_none((done.stdout + done.stderr).splitlines())


if __name__ == "__main__":
    unittest.main()
