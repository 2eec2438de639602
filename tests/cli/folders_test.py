"""Where a run goes, and what is in its folder."""

import os
import unittest

from program import NAMES, ProgramTest, Run, snapshot

SETTINGS = {"dataset": "names.txt", "num_steps": 4, "batch_size": 2, "checkpoint_every": 2}


class FoldersTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.write("names.txt", "\n".join(names[::1000]))
        self.write_config("small.cfg", **SETTINGS)

    def folder_of_a_run(self, *arguments):
        line = self.succeed(*arguments).lines("run folder: ")[0]
        return line.removeprefix("run folder: ")

    def test_runs_are_numbered(self):
        self.assertEqual(self.folder_of_a_run("--config", "small.cfg"), "runs/small-1")
        self.assertEqual(self.folder_of_a_run("--config", "small.cfg"), "runs/small-2")
        self.write_config("other.cfg", **SETTINGS)
        self.assertEqual(self.folder_of_a_run("--config", "other.cfg"), "runs/other-1")
        (self.folder / "runs/small-4").mkdir()
        self.write("runs/small-3", "a file")
        self.assertEqual(self.folder_of_a_run("train", "--config", "small.cfg"), "runs/small-5")

    def test_the_parent_behind_a_link(self):
        """Is that of the folder which the link points to, as for any other program."""
        self.write("real/names.txt", "anna\nbob\n")
        self.write("real/sub/run.cfg", "dataset: ../names.txt\nnum_steps: 1\n")
        self.write("project/names.txt", "zz\nyy\nxx\n")
        (self.folder / "project/link").symlink_to("../real/sub")
        for arguments in (["--config", "project/link/run.cfg"],
                          ["--config", "small.cfg", "--set", "dataset=project/link/../names.txt"]):
            self.assertEqual(self.succeed(*arguments).lines("num docs"), ["num docs: 2"])
        self.succeed("--config", "small.cfg", "--out", "project/link/../new/run")
        self.assertTrue((self.folder / "real/new/run/config.cfg").is_file())
        self.assertFalse((self.folder / "new").exists())

    def test_a_current_folder_that_has_gone(self):
        config = self.folder / "small.cfg"
        (self.folder / "gone").mkdir()
        exit_code, _, err = self.shell('cd gone && rmdir ../gone && "$@"', "--config", config)
        self.assertEqual(exit_code, 2)
        self.assertRegex(err, r"\Amicrogpt: error: runs/small-1: cannot be made[^\n]+\n\Z")

    def test_a_gap_is_filled(self):
        (self.folder / "runs/small-2").mkdir(parents=True)
        self.assertEqual(self.folder_of_a_run("--config", "small.cfg"), "runs/small-1")
        self.assertEqual(self.folder_of_a_run("--config", "small.cfg"), "runs/small-3")

    def test_what_is_in_the_folder(self):
        run = Run(self.folder / self.folder_of_a_run("--config", "small.cfg"), None)
        names = {"config.cfg", "metrics.jsonl", "step-00000002.h5", "step-00000004.h5", "latest.h5"}
        self.assertEqual(set(snapshot(run.folder)), names)
        self.assertEqual(os.readlink(run.folder / "latest.h5"), "step-00000004.h5")  # the folder may move

    def test_folders_above_are_made(self):
        self.assertEqual(self.folder_of_a_run("--config", "small.cfg", "--out", "a/b/c"), "a/b/c")
        self.assertTrue((self.folder / "a/b/c/latest.h5").exists())

    def test_a_folder_that_exists_but_holds_no_run(self):
        self.write("mine/notes.txt", "to keep")
        self.succeed("--config", "small.cfg", "--out", "mine")
        self.assertEqual((self.folder / "mine/notes.txt").read_text(encoding="utf-8"), "to keep")


if __name__ == "__main__":
    unittest.main()
