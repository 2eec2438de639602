"""Arrows between folders point one way: a folder of src includes only itself and those before it in the list of
src/CMakeLists.txt; the public headers include nothing private. And every file begins with what it is for."""

import os
import re
import unittest
from pathlib import Path

ROOT = Path(os.environ["MICROGPT_SOURCE"])
SRC = ROOT / "src"
INCLUDE = re.compile(r'^#include "([\w./]+)"', re.MULTILINE)


# The folder that each public header belongs to.
OWNERS = {
    "base": {"aligned_buffer", "error", "version"},
    "distributed": {"process_group"},
    "kernels": {"activation"},
    "config": {"config"},
    "data": {"dataset", "random", "tokenizer"},
    "model": {"model"},
    "checkpoint": {"checkpoint"},
    "training": {"trainer"},
    "generation": {"generation"},
}


def owner_of(included):
    """The folder of a header, which may be public."""
    folder, name = Path(included).parts[0], Path(included).stem
    return folder if folder != "microgpt" else next(owner for owner, names in OWNERS.items() if name in names)


def folders_lowest_first():
    listed = re.search(r"foreach\(folder ([\w ]+)\)", (SRC / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
    return [*listed.split(), "cli"]


class IncludesTest(unittest.TestCase):
    def test_every_folder_has_its_place(self):
        found = {path.name for path in SRC.iterdir() if path.is_dir()}
        self.assertEqual(found, set(folders_lowest_first()))

    def test_no_folder_knows_of_a_higher_one(self):
        order = folders_lowest_first()
        files = [path for path in SRC.rglob("*") if path.suffix in (".cpp", ".hpp")]
        self.assertGreater(len(files), 100)
        for path in files:
            folder = path.relative_to(SRC).parts[0]
            self.assert_knows_only(path, order[: order.index(folder) + 1])

    def assert_knows_only(self, path, folders):
        for included in INCLUDE.findall(path.read_text(encoding="utf-8")):
            self.assertIn(owner_of(included), folders, f"{path} includes {included}")

    def test_a_file_says_what_it_is(self):
        """In its first line, or in that of the header that it implements."""
        headers = {path.stem for path in (ROOT / "include").rglob("*.hpp")}
        for folder in ("include", "src", "tests", "tools"):
            for path in (ROOT / folder).rglob("*.[ch]pp"):
                has_header = path.suffix == ".cpp" and (path.with_suffix(".hpp").exists() or path.stem in headers)
                if not has_header:
                    self.assertTrue(path.read_text(encoding="utf-8").startswith("// "), path)

    def test_public_headers_stand_alone(self):
        order = folders_lowest_first()
        for path in (ROOT / "include").rglob("*.hpp"):
            self.assert_knows_only(path, order[: order.index(owner_of(f"microgpt/{path.name}")) + 1])
            for included in INCLUDE.findall(path.read_text(encoding="utf-8")):
                self.assertEqual(Path(included).parts[0], "microgpt", path)


if __name__ == "__main__":
    unittest.main()
