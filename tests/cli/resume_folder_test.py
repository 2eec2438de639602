"""Where a resumed run writes, and that it takes nothing from a former one."""

import os
import shutil
import unittest

import h5py
from program import NAMES, ProgramTest, Run, snapshot

SETTINGS = {"num_steps": 20, "batch_size": 4, "validation_fraction": 0.2, "checkpoint_every": 5, "log_every": 1}


class FolderTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.dataset = self.write("names.txt", "\n".join(names[::900]))
        self.whole = self.train("whole", dataset=self.dataset, **SETTINGS)

    def assert_refused(self, *arguments, words):
        before = snapshot(self.folder)
        self.assert_one_error(self.microgpt(*arguments), 2, *words)
        self.assertEqual(snapshot(self.folder), before)

    def test_checkpoints_of_another_run_in_the_folder(self):
        """The config that a checkpoint was made with tells, not what --set says now."""
        other = self.train("other", dataset=self.dataset, **SETTINGS | {"seed": 7})
        strange = other.folder / "strange.h5"
        shutil.copy(self.whole.checkpoint(10), strange)
        self.assert_refused("--resume", strange, words=[other.folder, "another run", "--out", "--overwrite"])
        for step in (15, 20):
            other.checkpoint(step).unlink()
        self.assert_refused("--resume", strange, words=[other.folder, "another run"])
        replaced = self.resume("other/strange.h5", "--overwrite")
        self.assert_same_bytes(replaced.checkpoint(), self.whole.checkpoint())
        self.assertGreater(replaced.steps()[0], 10)

    def test_later_checkpoints_that_went_another_way(self):
        self.resume("whole/step-00000010.h5", "--overwrite", learning_rate=0.1)
        self.assert_refused("--resume", "whole/step-00000010.h5", words=["whole", "another config", "--overwrite"])
        back = self.resume("whole/step-00000010.h5", "--overwrite")
        self.assertEqual(back.steps(), self.whole.steps())

    def test_a_later_checkpoint_that_is_damaged(self):
        """It is made again, and is then what it was."""
        expected = self.whole.checkpoint(20).read_bytes()
        self.whole.checkpoint(20).write_bytes(expected[:-100])
        self.resume("whole/step-00000015.h5")
        self.assertEqual(self.whole.checkpoint(20).read_bytes(), expected)

    def test_a_later_checkpoint_of_a_newer_program(self):
        """Which this one cannot read: nobody knows what would be lost."""
        with h5py.File(self.whole.checkpoint(20), "r+") as file:
            file.attrs["format_version"] = 2
        self.assert_refused("--resume", "whole/step-00000015.h5", words=["whole", "--out", "--overwrite"])
        self.resume("whole/step-00000015.h5", "--overwrite")

    def test_a_dataset_that_has_moved(self):
        """Which is no reason to take the later checkpoints for others."""
        expected = self.whole.checkpoint(20).read_bytes()
        (self.folder / "moved.txt").hardlink_to(self.dataset)
        again = self.resume("whole/step-00000010.h5", dataset="moved.txt")
        self.assertEqual(again.steps(), self.whole.steps())
        self.resume("whole/step-00000010.h5", dataset=self.dataset)
        self.assertEqual(self.whole.checkpoint(20).read_bytes(), expected)

    def test_the_best_of_a_run_that_goes_on(self):
        """Its last evaluation is forgotten, as if it had been longer from the start; its weights are not."""
        run = self.train("run", dataset=self.dataset, **SETTINGS | {"eval_every": 1000})
        best = min(line["val_loss"] for line in run.metrics() if "val_loss" in line)
        worse = {"num_steps": 22, "keep_checkpoints": 1, "learning_rate": 5, "lr_schedule": "constant"}
        for steps in (22, 24):
            run = self.resume("run", **worse | {"num_steps": steps})
            losses = [line["val_loss"] for line in run.metrics() if "val_loss" in line]
            self.assertEqual(len(losses), 1)
            self.assertGreater(losses[0], best)
            self.assertEqual(run.steps(), [20, steps])
            self.assertEqual(os.readlink(run.folder / "best.h5"), "step-00000020.h5")

    def test_the_best_goes_along_to_a_new_folder(self):
        """And is not written where it would be the newest: a run that is killed there would go on from it."""
        settings = SETTINGS | {"eval_every": 5, "learning_rate": 5, "lr_schedule": "constant"}
        run = self.train("run", dataset=self.dataset, **settings)
        losses = {line["step"]: line["val_loss"] for line in run.metrics() if "val_loss" in line}
        best = min(losses, key=losses.get)
        self.assertLess(best, 20)
        before = snapshot(run.folder)
        new = self.resume("run", "--out", "new", num_steps=21)
        self.assertEqual(new.steps(), [best, 21])
        self.assert_same_bytes(new.checkpoint(best), run.checkpoint(best))
        self.assertEqual(os.readlink(new.folder / "best.h5"), new.checkpoint(best).name)
        self.assertEqual(snapshot(run.folder), before)

        run.checkpoint(best).write_bytes(b"damaged")
        alone = self.resume("run", "--out", "alone", num_steps=21)
        self.assertEqual(alone.steps(), [21])
        self.assertFalse((alone.folder / "best.h5").is_symlink())

    def test_another_runs_checkpoint_does_not_go_along(self):
        settings = SETTINGS | {"eval_every": 5, "learning_rate": 5, "lr_schedule": "constant"}
        run = self.train("run", dataset=self.dataset, **settings)
        other = self.train("other", dataset=self.dataset, **settings | {"seed": 7})
        losses = {line["step"]: line["val_loss"] for line in run.metrics() if "val_loss" in line}
        self.assertIn(min(losses, key=losses.get), other.steps()[:-1])
        shutil.copy(run.checkpoint(20), other.folder / "strange.h5")
        new = self.resume("other/strange.h5", "--out", "new", num_steps=21)
        self.assertEqual(new.steps(), [21])

    def test_the_best_of_the_future_stays_behind(self):
        """What a run had come to behind the checkpoint that another one begins with is not that one's."""
        run = self.train("run", dataset=self.dataset, **SETTINGS | {"eval_every": 20, "checkpoint_every": 10})
        self.assertEqual(os.readlink(run.folder / "best.h5"), "step-00000020.h5")
        new = self.resume("run/step-00000010.h5", "--out", "new", num_steps=12, learning_rate=5)
        self.assertEqual(os.readlink(new.folder / "best.h5"), "step-00000012.h5")

    def test_what_was_reported_stays_so_where_reports_change(self):
        run = self.train("run", dataset=self.dataset, **SETTINGS | {"eval_every": 5})
        reports = run.timeless_metrics()[:10]
        run = self.resume("run/step-00000010.h5", "--out", "new", eval_every=7, log_every=3)
        self.assertEqual(run.timeless_metrics()[:10], reports)
        self.assertEqual([line["step"] for line in run.metrics()[10:]], [12, 14, 15, 18, 20])

    def test_checkpoints_that_are_links(self):
        """To another disk, say: the run is the one of the folder that was named."""
        disk = self.folder / "disk"
        disk.mkdir()
        for step in self.whole.steps():
            self.whole.checkpoint(step).rename(disk / f"{step}.h5")
            self.whole.checkpoint(step).symlink_to(disk / f"{step}.h5")
        longer = self.resume("whole", num_steps=21, lr_schedule="constant")
        self.assertTrue(longer.checkpoint(21).is_file())
        self.assertEqual(longer.folder, self.whole.folder)

    def test_metrics_that_cannot_be_read(self):
        metrics = self.whole.folder / "metrics.jsonl"
        metrics.unlink()
        metrics.symlink_to(metrics.name)
        self.assert_refused("--resume", "whole", "--set", "num_steps=21", words=[metrics])

    def test_a_folder_copied_without_its_links(self):
        shutil.copytree(self.whole.folder, self.folder / "copy")
        self.assertFalse((self.folder / "copy/latest.h5").is_symlink())
        longer = self.resume("copy", num_steps=21, lr_schedule="constant")
        self.assertEqual(os.readlink(longer.folder / "latest.h5"), "step-00000021.h5")

    def test_a_checkpoint_that_is_called_latest(self):
        for name in ("latest.h5", "best.h5"):
            lone = self.folder / name.removesuffix(".h5") / name
            lone.parent.mkdir()
            shutil.copy(self.whole.checkpoint(5), lone)
            self.assert_refused("--resume", lone, words=[lone, "step-00000500.h5", "--out"])
            self.assert_refused("--resume", lone, "--overwrite", words=[lone])
            self.assert_refused("--config", self.whole.folder / "config.cfg", "--out", lone.parent, words=[lone])
            new = self.resume(lone, "--out", f"new-{name}")
            self.assert_same_run(new, self.whole)

    def test_a_new_folder(self):
        before = snapshot(self.whole.folder)
        new = self.resume("whole/step-00000005.h5", "--out", "new")
        self.assert_same_run(new, self.whole)
        self.assertEqual(new.output.samples(), self.whole.output.samples())
        self.assertEqual(os.readlink(new.folder / "latest.h5"), "step-00000020.h5")
        self.assertEqual(snapshot(self.whole.folder), before)

    def test_a_finished_run_in_a_new_folder(self):
        """A checkpoint is always written at the end: a folder without one would be no run."""
        new = self.resume("whole", "--out", "new")
        self.assertEqual(new.steps(), [18, 20])
        for link in ("latest.h5", "best.h5"):
            self.assertEqual(os.readlink(new.folder / link), os.readlink(self.whole.folder / link))
        self.assert_same_run(new, self.whole)

    def test_the_former_folder_as_out(self):
        shutil.copytree(self.whole.folder, self.folder / "again", symlinks=True)
        again = self.resume("again/step-00000010.h5", "--out", "again/../again")
        self.assert_same_run(again, self.whole)

    def test_a_folder_of_another_run(self):
        self.train("other", dataset=self.dataset, **SETTINGS | {"seed": 7})
        arguments = ["--resume", "whole/step-00000005.h5", "--out", "other"]
        self.assert_refused(*arguments, words=["other", "--overwrite"])

        self.write("other/notes.txt", "not the program's own")
        before = snapshot(self.whole.folder)
        output = self.succeed(*arguments, "--overwrite")
        other = Run(self.folder / "other", output)
        self.assert_same_run(other, self.whole)
        self.assertEqual(set(other.steps()) - set(self.whole.steps()), set())
        self.assertTrue((other.folder / "notes.txt").exists())
        self.assertEqual(snapshot(self.whole.folder), before)

    def test_a_changed_run_before_newer_checkpoints(self):
        arguments = ["--resume", "whole/step-00000010.h5", "--set", "learning_rate=0.1"]
        self.assert_refused(*arguments, words=["whole", "20", "10", "--out", "--overwrite"])

        earlier = {step: self.whole.checkpoint(step).read_bytes() for step in self.whole.steps() if step <= 10}
        last = self.whole.checkpoint().read_bytes()
        self.succeed(*arguments, "--overwrite")
        for step, content in earlier.items():
            self.assertEqual(self.whole.checkpoint(step).read_bytes(), content)
        self.assertNotEqual(self.whole.checkpoint().read_bytes(), last)
        self.assertEqual([line["step"] for line in self.whole.metrics()], list(range(1, 21)))

    def test_metrics_when_a_resume_ends_before_the_newest_checkpoint(self):
        """From an older checkpoint, killed, then from the newest: no step between them may be lost."""
        slow = {"num_steps": 800, "checkpoint_every": 400, "batch_size": 60, "n_layer": 4, "n_embd": 48}
        run = self.train("run", dataset=self.dataset, **SETTINGS | slow)
        expected = run.timeless_metrics()
        process = self.start("--resume", "run/step-00000400.h5", "--threads", 1)
        for line in process.stdout:
            if line.startswith(b"step"):
                break
        process.kill()
        process.wait()
        self.resume("run")
        metrics = run.timeless_metrics()
        self.assertEqual(len(metrics), len(expected))
        for line, values in zip(metrics, expected):
            self.assertEqual(line, values)


if __name__ == "__main__":
    unittest.main()
