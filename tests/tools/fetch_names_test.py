"""Tests of tools/fetch_names.sh and of data/names.txt. No test needs the network."""

import hashlib
import os
import pathlib
import re
import shutil
import string
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "fetch_names.sh"
NAMES = ROOT / "data" / "names.txt"
KNOWN_LIST = os.environ.get("MICROGPT_NAMES_32K", "")
KNOWN_DIGEST = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
BASH = shutil.which("bash") or "/bin/bash"


def run(*arguments, **options):
    return subprocess.run(
        [BASH, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


class FetchNames(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.source = self.folder / "source.txt"
        self.source.write_text("emma\nolivia\n", encoding="ascii")
        self.kept = self.folder / "kept"
        self.kept.mkdir()
        self.output = self.kept / "names.txt"

    def assert_one_error(self, result, status):
        self.assertEqual(result.returncode, status, result.stderr)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("fetch_names: error: "), lines[0])

    def kept_files(self):
        return sorted(path.name for path in self.kept.iterdir())

    def test_wrong_digest_keeps_nothing(self):
        result = run("--url", self.source.as_uri(), "--output", self.output)
        self.assert_one_error(result, 1)
        self.assertIn(KNOWN_DIGEST, result.stderr)
        self.assertEqual(self.kept_files(), [])

    def test_wrong_digest_leaves_a_former_file_untouched(self):
        self.output.write_text("former\n", encoding="ascii")
        before = self.output.stat()
        result = run("--url", self.source.as_uri(), "--output", self.output)
        self.assert_one_error(result, 1)
        self.assertEqual(self.kept_files(), ["names.txt"])
        self.assertEqual(self.output.read_text(encoding="ascii"), "former\n")
        after = self.output.stat()
        self.assertEqual(
            (before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns)
        )

    def test_missing_source_fails(self):
        missing = self.folder / "missing.txt"
        self.output.write_text("former\n", encoding="ascii")
        result = run("--url", missing.as_uri(), "--output", self.output)
        self.assert_one_error(result, 1)
        self.assertIn("--url", result.stderr)
        self.assertEqual(self.kept_files(), ["names.txt"])
        self.assertEqual(self.output.read_text(encoding="ascii"), "former\n")

    def test_missing_destination_folder_fails(self):
        output = self.kept / "none" / "names.txt"
        result = run("--url", self.source.as_uri(), "--output", output)
        self.assert_one_error(result, 2)
        self.assertIn(f"--output '{output}'", result.stderr)
        self.assertEqual(self.kept_files(), [])

    def test_destination_that_is_no_regular_file_fails(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        for output in (self.kept, f"{self.kept}/new/", fifo, "/dev/full", "/dev/zero"):
            result = run("--url", self.source.as_uri(), "--output", output)
            self.assert_one_error(result, 2)
            self.assertIn(f"--output '{output}'", result.stderr)
        self.assertEqual(self.kept_files(), [])

    def test_bad_usage(self):
        for arguments in (
            ["--unknown"],
            ["-x"],
            ["extra"],
            ["--url"],
            ["--output"],
            ["--url", ""],
            ["--url", "--output", str(self.output)],
        ):
            with self.subTest(arguments=arguments):
                result = run(*arguments)
                self.assert_one_error(result, 2)
                self.assertIn("--help", result.stderr)
                self.assertEqual(self.kept_files(), [])

    def test_help_shows_an_example(self):
        result = run("--help")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        self.assertIn("Usage: tools/fetch_names.sh", result.stdout)
        self.assertIn("Examples:", result.stdout)
        self.assertIn("file://", result.stdout)

    def test_missing_tools_are_named(self):
        for missing in ("curl", "sha256sum"):
            with self.subTest(missing=missing):
                tools = self.folder / f"without-{missing}"
                tools.mkdir()
                for name in ("cut", "dirname", "mktemp", "rm", "curl", "sha256sum"):
                    found = shutil.which(name)
                    if found and name != missing:
                        (tools / name).symlink_to(found)
                result = run(
                    "--url",
                    self.source.as_uri(),
                    "--output",
                    self.output,
                    env={"PATH": str(tools)},
                )
                self.assert_one_error(result, 1)
                self.assertIn(f"{missing} is missing; install ", result.stderr)
                self.assertEqual(self.kept_files(), [])

    @unittest.skipUnless(
        os.path.isfile(KNOWN_LIST),
        "set MICROGPT_NAMES_32K to a copy of the 32,033-name list to run this test",
    )
    def test_right_digest_is_kept_and_not_fetched_again(self):
        known = pathlib.Path(KNOWN_LIST).resolve()
        self.output.write_text("former\n", encoding="ascii")
        result = run("--url", known.as_uri(), "--output", self.output)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        self.assertEqual(self.kept_files(), ["names.txt"])
        content = self.output.read_bytes()
        self.assertEqual(hashlib.sha256(content).hexdigest(), KNOWN_DIGEST)
        self.assertEqual(self.output.stat().st_mode & 0o777, self.source.stat().st_mode & 0o777)

        # A source that does not exist shows that nothing is downloaded.
        missing = self.folder / "missing.txt"
        again = run("--url", missing.as_uri(), "--output", self.output)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("already there", again.stdout)
        self.assertEqual(self.output.read_bytes(), content)


class GivenNames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = NAMES.read_bytes().decode("ascii")
        cls.names = cls.text.split("\n")[:-1]

    def test_ends_with_one_newline(self):
        self.assertTrue(self.text.endswith("\n"))
        self.assertFalse(self.text.endswith("\n\n"))

    def test_names_are_many_and_distinct(self):
        self.assertGreaterEqual(len(self.names), 3000)
        self.assertEqual(len({name.lower() for name in self.names}), len(self.names))

    def test_every_line_is_a_lower_case_name(self):
        bad = [name for name in self.names if not re.fullmatch("[a-z]{2,12}", name)]
        self.assertEqual(bad, [])

    def test_names_are_sorted(self):
        unordered = [pair for pair in zip(self.names, self.names[1:]) if pair[0] > pair[1]]
        self.assertEqual(unordered, [])

    def test_every_letter_occurs(self):
        self.assertEqual(set(self.text) - {"\n"}, set(string.ascii_lowercase))


if __name__ == "__main__":
    unittest.main()
