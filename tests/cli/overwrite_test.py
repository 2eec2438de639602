"""Nothing that lies in a folder is lost to a new run."""

import os
import unittest

from program import NAMES, ProgramTest, snapshot

SETTINGS = {"dataset": "names.txt", "num_steps": 4, "batch_size": 2, "checkpoint_every": 2}


class OverwriteTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.write("names.txt", "\n".join(names[::1000]))
        self.write_config("small.cfg", **SETTINGS)

    def assert_refused(self, *arguments, words=()):
        before = snapshot(self.folder)
        output = self.microgpt("--config", "small.cfg", *arguments)
        self.assert_one_error(output, 2, *words)
        self.assertEqual(output.out, "")
        self.assertEqual(snapshot(self.folder), before)

    def test_a_folder_that_holds_checkpoints(self):
        self.train("run", **SETTINGS)
        self.assert_refused("--out", "run", words=["run", "--resume", "--overwrite"])
        (self.folder / "link").symlink_to("run")
        self.assert_refused("--out", "link", words=["link", "--overwrite"])
        self.assert_refused("--out", "run/.", words=["run", "--overwrite"])

    def test_no_is_not_yes(self):
        self.train("run", **SETTINGS)
        self.assert_refused("--out", "run", "--overwrite=false", words=["--overwrite", "no value"])

    def test_a_dataset_in_the_folder(self):
        self.write("data/metrics.jsonl", "anna\nbob\n")
        self.assert_refused("--out", "data", "--set", "dataset=data/metrics.jsonl", words=["metrics.jsonl", "--out"])

    def test_a_dataset_in_the_folder_of_a_resumed_run(self):
        self.train("run", **SETTINGS)
        (self.folder / "names.txt").rename(self.folder / "moved.txt")
        names = (self.folder / "moved.txt").read_text(encoding="utf-8")
        self.write("data/metrics.jsonl", names)
        for out in (["--out", "data"], []):
            if not out:
                self.write("run/metrics.jsonl", names)
            before = snapshot(self.folder)
            dataset = "data/metrics.jsonl" if out else "run/metrics.jsonl"
            output = self.microgpt("--resume", "run", *out, "--set", f"dataset={dataset}", "--set", "num_steps=8")
            self.assert_one_error(output, 2, "metrics.jsonl", "--out")
            self.assertEqual(snapshot(self.folder), before)

    def test_a_lone_checkpoint(self):
        run = self.train("run", **SETTINGS)
        for path in run.folder.iterdir():
            if path != run.checkpoint(2):
                path.unlink()
        self.assert_refused("--out", "run", words=["run", "--overwrite"])

    def test_a_checkpoint_by_another_name(self):
        run = self.train("run", **SETTINGS)
        run.checkpoint(4).rename(run.folder / "final.h5")
        run.checkpoint(2).unlink()
        self.assert_refused("--out", "run", words=["final.h5", "--overwrite"])
        kept = (run.folder / "final.h5").read_bytes()
        self.train("run", "--overwrite", **SETTINGS)
        self.assertEqual((run.folder / "final.h5").read_bytes(), kept)

    def test_overwrite(self):
        former = self.train("run", **SETTINGS | {"num_steps": 8})
        self.write("run/notes.txt", "to keep")
        self.write("run/step-1.h5.txt", "to keep")
        run = self.train("run", "--overwrite", **SETTINGS | {"seed": 7})
        self.assertEqual(former.steps(), [2, 4])
        self.assert_same_run(run, self.train("new", **SETTINGS | {"seed": 7}))
        self.assertEqual({path.read_text(encoding="utf-8") for path in run.folder.glob("*.txt")}, {"to keep"})

    def test_overwrite_waits_until_the_new_run_can_begin(self):
        self.train("run", **SETTINGS)
        for change in ("dataset=missing.txt", "n_head=5", "n_layer=1000000"):
            self.assert_refused("--out", "run", "--overwrite", "--set", change)

    def test_a_config_of_the_user(self):
        self.write_config("mine/config.cfg", **SETTINGS | {"dataset": "../names.txt"})
        self.assert_refused("--out", "mine", words=["mine", "config.cfg"])

    def test_what_is_no_folder(self):
        self.write("file", "")
        self.assert_refused("--out", "file", words=["file"])
        self.assert_refused("--out", "file/run", words=["file/run"])
        self.write("runs", "")
        self.assert_refused(words=["runs"])

    def test_a_folder_in_folders_that_are_missing_is_made(self):
        config = self.write_config("small.cfg", **SETTINGS)
        self.succeed("--config", config, "--out", "missing/too/run")
        self.assertTrue((self.folder / "missing/too/run/latest.h5").is_symlink())

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_a_read_only_folder(self):
        (self.folder / "mine").mkdir(mode=0o555)
        self.assert_refused("--out", "mine", words=["mine", "written"])
        self.assert_refused("--out", "mine/run", words=["mine/run"])

    @unittest.skipIf(os.geteuid() == 0, "root may read anything")
    def test_unreadable_files(self):
        self.train("run", **SETTINGS)
        for path in ("names.txt", "small.cfg", "run/step-00000004.h5"):
            (self.folder / path).chmod(0)
        output = self.microgpt("--config", "small.cfg")
        self.assert_one_error(output, 2, "small.cfg")
        output = self.microgpt("--config", "run.cfg")
        self.assert_one_error(output, 2, "names.txt")
        output = self.microgpt("--resume", "run")
        self.assert_one_error(output, 2, "step-00000004.h5")

    def test_a_folder_in_use(self):
        endless = self.write_config("endless.cfg", **SETTINGS | {"num_steps": 10**9, "checkpoint_every": 10**9})
        process = self.start("--config", endless, "--out", "run", "--quiet")
        self.wait_until((self.folder / "run/config.cfg").exists)
        self.assert_one_error(self.microgpt("--config", "small.cfg", "--out", "run"), 2, "run", "in use")
        self.assert_one_error(self.microgpt("--config", "small.cfg", "--out", "run", "--overwrite"), 2, "in use")
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    unittest.main()
