"""What all scripts of tools/ share: error lines, streams that fail, signals, usage, and what is left where."""

import json
import os
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("MICROGPT_SOURCE") or Path(__file__).resolve().parents[2])
TOOLS = ROOT / "tools"
PYTHON = ("look.py", "plot.py", "sweep.py", "cluster/measure.py", "cluster/predict.py", "bench/whole_runs.py")
sys.path[:0] = [str(ROOT / "tests" / "cli"), str(TOOLS)]

from microgpt_tools.errors import UserError  # noqa: E402
from microgpt_tools.whole_file import check_name, write_whole  # noqa: E402
from microgpt_tools.yaml_file import read_yaml  # noqa: E402
from program import ProgramTest  # noqa: E402


class PythonTest(ProgramTest):
    def run_in_shell(self, script, arguments, streams, **environment):
        """Of a script whose streams are redirected as the shell does: exit code, stdout, stderr."""
        words = ["bash", "-c", f'"$@" {streams}', "bash", sys.executable, TOOLS / script, *arguments]
        return self.microgpt(*words[1:], program=words[0], env=os.environ | environment)

    def test_a_stderr_that_cannot_be_written_changes_no_exit_code(self):
        for script in PYTHON:
            for streams in ("2>&-", "2>/dev/full"):
                with self.subTest(script, streams=streams):
                    output = self.run_in_shell(script, ["--bogus"], streams)
                    self.assertEqual((output.exit_code, output.out), (2, ""))

    def test_a_stdout_that_cannot_be_written_is_named(self):
        for script in PYTHON:
            for unbuffered in ("", "1"):
                with self.subTest(script, unbuffered=unbuffered):
                    output = self.run_in_shell(script, ["--help"], ">/dev/full", PYTHONUNBUFFERED=unbuffered)
                    self.assertEqual(output.exit_code, 1)
                    name = Path(script).name
                    self.assertRegex(output.err, rf"\A{name}: error: standard output: could not be written: [^\n]+\n\Z")

    def test_a_stdout_that_is_closed_changes_no_exit_code(self):
        output = self.run_in_shell("cluster/predict.py", [], ">&-")
        self.assertEqual((output.exit_code, output.out, output.err), (0, "", ""))

    def test_a_reader_that_has_seen_enough_is_no_error(self):
        output = self.run_in_shell("cluster/predict.py", [], "| true; exit ${PIPESTATUS[0]}")
        self.assertIn((output.exit_code, output.err), ((0, ""), (1, "")))

    def test_names_are_shown_in_one_line(self):
        name = "a\nb\r\x1b\x85\u2028c"
        for script, arguments in (
            ("look.py", [name]),
            ("plot.py", [name]),
            ("sweep.py", [f"{name}.yml"]),
            ("cluster/measure.py", [name]),
            ("cluster/predict.py", ["--ranks", name]),
        ):
            with self.subTest(script):
                output = self.microgpt(TOOLS / script, *arguments, program=sys.executable)
                self.assertEqual(output.exit_code, 2)
                self.assertEqual(output.err.splitlines(), [output.err.removesuffix("\n")])
                self.assertIn(r"a\nb", output.err)

    def test_sigterm_lets_it_clean_up(self):
        script = (
            "import os, signal, sys\nfrom microgpt_tools.errors import run_main\n"
            "def main():\n  try: os.kill(os.getpid(), signal.SIGTERM)\n  finally: print('cleaned up')\n"
            "run_main(main)"
        )
        environment = os.environ | {"PYTHONPATH": str(TOOLS)}
        output = self.microgpt("-c", script, program=sys.executable, env=environment)
        self.assertEqual((output.exit_code, output.out, output.err), (128 + signal.SIGTERM, "cleaned up\n", ""))


class FilesTest(ProgramTest):
    def test_yaml_that_is_wrong(self):
        for content, line, words in (
            ("a: 1\nb:\n- [ }\n", 3, "expected the node content"),
            ("a: 1\nb: *x\n", 2, "undefined alias"),
            ("a: 1\n---\nb: 2\n", 2, "single document"),
            ("a: 1\n\nb: \x01\n", 3, "U+0001"),
            (b"a: 1\nb: \xff\n", 2, "UTF-8"),
        ):
            with self.subTest(content):
                file = self.write("file.yml", content)
                with self.assertRaises(UserError) as refusal:
                    read_yaml(file)
                self.assertTrue(str(refusal.exception).startswith(f"{file}:{line}: "), refusal.exception)
                self.assertIn(words, str(refusal.exception))
        for content in ("a: 2020-13-45\n", "a: !!timestamp x\n", "[" * 5000):
            with self.subTest(content[:20]), self.assertRaisesRegex(UserError, r"file\.yml: not YAML: [^\n]+\Z"):
                read_yaml(self.write("file.yml", content))

    def test_names_under_which_nothing_can_be_written(self):
        self.write("file", "")
        os.chdir(self.folder)
        self.addCleanup(os.chdir, "/")
        for name, words in (
            ("", "is empty"),
            (".", "is a folder"),
            ("gone/", "is a folder"),
            ("file/x", "Not a directory"),
            ("x" * 300, "too long"),
            ("x" * 248, "too long"),  # with what is put around it
        ):
            with self.subTest(name), self.assertRaisesRegex(UserError, rf"\A--out[^\n]* {words}"):
                check_name("--out", name, ".png")
        check_name("--out", "x" * 246, ".png")

    def test_folders_are_made(self):
        check_name("--out", self.folder / "some/where/file")
        self.assertEqual(list(self.folder.iterdir()), [])
        write_whole(self.folder / "some/where/file", b"content")
        self.assertEqual((self.folder / "some/where/file").read_bytes(), b"content")


class ShellTest(unittest.TestCase):
    """test.sh of a copy of tools/, in which nothing could be built."""

    def setUp(self):
        ProgramTest.setUp(self)
        shutil.copytree(TOOLS, self.folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))

    def run_tests(self, *arguments):
        done = subprocess.run(
            [self.folder / "tools/test.sh", *arguments], capture_output=True, text=True, check=False, timeout=60
        )
        self.assertEqual([path.name for path in self.folder.iterdir()], ["tools"])
        return done

    def test_help(self):
        for option in ("--help", "-h"):
            done = self.run_tests(option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("Usage: tools/test.sh", done.stdout)

    def test_presets(self):
        presets = json.loads((ROOT / "CMakePresets.json").read_text(encoding="utf-8"))["testPresets"]
        names = ", ".join(preset["name"] for preset in presets)
        for arguments in (["--preset", "nonsense"], ["--preset", ""], ["--preset"], ["--preset", "release"]):
            done = self.run_tests(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, rf"\Amicrogpt: --preset '\w*' is none of: {names}\n\Z")

    def test_what_is_only_sourced_cannot_be_run(self):
        for script in sorted(TOOLS.rglob("*.sh")):
            begins_itself = script.read_text(encoding="utf-8").startswith("#!")
            self.assertEqual(os.access(script, os.X_OK), begins_itself, script)


class IgnoredTest(unittest.TestCase):
    def test_what_the_tools_write_into_a_checkout_is_ignored(self):
        names = ["runs/small-1/curves.png", "runs.html", "sweeps/small/best.cfg", "curves.png", "curves.svg"]
        done = subprocess.run(
            ["git", "-C", ROOT, "check-ignore", *names], capture_output=True, text=True, check=False
        )
        if done.returncode == 128:
            self.skipTest("not a checkout")
        self.assertEqual(done.stdout.split(), names)


if __name__ == "__main__":
    unittest.main()
