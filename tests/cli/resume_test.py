"""A run of 2n steps, and n steps, a resume and n more: the same bytes, samples and metrics."""

import os
import shutil
import unittest

import h5py

from program import NAMES, ProgramTest, Run, reseal

# Nothing ends with n: neither a pass over the 40 names, nor a period of logging or evaluation.
N = 15
SETTINGS = {
    "num_steps": 2 * N,
    "batch_size": 7,
    "validation_fraction": 0.25,
    "log_every": 4,
    "eval_every": 6,
    "checkpoint_every": N,
    "warmup_steps": N + 3,
    "grad_clip": 1,
    "weight_decay": 0.01,
}


class ResumeTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.dataset = self.write("names.txt", "\n".join(names[:24_000:600]))

    def train_whole(self, out="whole", **settings):
        return self.train(out, dataset=self.dataset, **SETTINGS | settings)

    def first_half_of(self, whole, step=N):
        """The folder as it was when the checkpoint of a step had just been written."""
        half = Run(self.folder / "half", whole.output)
        shutil.rmtree(half.folder, ignore_errors=True)
        shutil.copytree(whole.folder, half.folder, symlinks=True)
        for other in half.steps():
            if other > step:
                half.checkpoint(other).unlink()
        for link in ("latest.h5", "best.h5"):
            (half.folder / link).unlink()
        (half.folder / "latest.h5").symlink_to(half.checkpoint(step).name)
        lines = (half.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        past = [line for line, values in zip(lines, half.metrics()) if values["step"] <= step]
        (half.folder / "metrics.jsonl").write_text("".join(past), encoding="utf-8")
        return half

    def assert_goes_on_as(self, run, whole, step=N, links=("latest.h5", "best.h5")):
        """The checkpoint, the metrics and what was printed behind `step`."""
        self.assert_same_run(run, whole)
        for link in links:
            self.assertEqual(os.readlink(run.folder / link), os.readlink(whole.folder / link))
        later = [line for line in whole.output.lines() if line[:4] in ("step", "eval")]
        later = [line for line in later if int(line.split()[1]) > step]
        printed = [line for line in run.output.lines() if line[:4] in ("step", "eval")]
        self.assertEqual(printed, later)
        self.assertEqual(run.output.samples(), whole.output.samples())

    def test_from_where_it_stopped(self):
        for precision in ("float32", "float64"):
            whole = self.train_whole(f"whole-{precision}", precision=precision)
            for path in ("half", f"half/step-{N:08}.h5", "half/latest.h5"):
                with self.subTest(precision=precision, path=path):
                    self.first_half_of(whole)
                    self.assert_goes_on_as(self.resume(path), whole)

    def test_with_another_number_of_threads(self):
        whole = self.train_whole()
        self.first_half_of(whole)
        self.assert_goes_on_as(self.resume("half", threads=3), whole)

    def test_text(self):
        whole = self.train_whole(documents="text", block_size=9)
        self.first_half_of(whole)
        self.assert_goes_on_as(self.resume("half"), whole)

    def test_a_longer_run_than_first_planned(self):
        """Where the schedule does not depend on the length, neither does the story. (The best of all may be the first
        half's last, which the whole run had no reason to evaluate.)"""
        settings = {"dataset": self.dataset} | SETTINGS | {"lr_schedule": "constant"}
        whole = self.train("whole", **settings)
        self.train("half", **settings | {"num_steps": N})
        self.assert_goes_on_as(self.resume("half", num_steps=2 * N), whole, links=["latest.h5"])

    def test_epochs(self):
        """30 names in steps of 7: the ends of the passes fall into steps 5, 9, 13 and 18."""
        periods = {key: "epoch" for key in ("eval_every", "checkpoint_every")}
        settings = {"dataset": self.dataset} | SETTINGS | periods | {"num_epochs": 4}
        del settings["num_steps"]
        whole = self.train("whole", **settings)
        self.assertEqual(whole.steps()[-4:], [5, 9, 13, 18])
        self.first_half_of(whole, step=9)
        self.assert_goes_on_as(self.resume("half"), whole, step=9)

    def test_batch_size_threads_stays_what_it_was(self):
        whole = self.train("whole", threads=3, dataset=self.dataset, **SETTINGS | {"batch_size": "threads"})
        self.first_half_of(whole)
        self.assert_goes_on_as(self.resume("half", threads=2), whole)

    def test_from_any_checkpoint(self):
        whole = self.train_whole(checkpoint_every=5, log_every=1)
        for step in (5, 10, 25):
            self.first_half_of(whole, step)
            self.assert_goes_on_as(self.resume("half"), whole, step)

    def test_from_an_older_checkpoint_in_the_same_folder(self):
        whole = self.train_whole(checkpoint_every=5)
        shutil.copytree(whole.folder, self.folder / "again", symlinks=True)
        again = self.resume("again/step-00000010.h5")
        self.assert_goes_on_as(again, whole, step=10)
        for step in whole.steps():
            self.assert_same_bytes(again.checkpoint(step), whole.checkpoint(step))

    def test_with_relative_paths_from_within_the_folder(self):
        whole = self.train_whole()
        half = self.first_half_of(whole)
        half.output = self.succeed("--resume", ".", cwd="half")
        self.assert_goes_on_as(half, whole)

    def test_a_line_that_a_crash_has_cut_off(self):
        whole = self.train_whole()
        half = self.first_half_of(whole)
        with open(half.folder / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write('{"step":16,"epoch":2,"lo')
        self.assert_goes_on_as(self.resume("half"), whole)

    def test_a_finished_run_has_nothing_left_to_do(self):
        whole = self.train_whole()
        before = whole.checkpoint().read_bytes(), whole.metrics()
        again = self.resume("whole")
        self.assert_goes_on_as(again, whole, step=2 * N)
        self.assertEqual((again.checkpoint().read_bytes(), again.metrics()), before)
        self.assertEqual(len(again.output.samples()), 20)


class AnotherBuildTest(ProgramTest):
    def test_is_told(self):
        run = self.train("run", dataset=NAMES, num_steps=2)
        with h5py.File(run.checkpoint(), "r+", libver="latest") as file:
            build = file.attrs["build"]
            file.attrs.modify("build", "another compiler")
        reseal(run.checkpoint())
        output = self.succeed("--resume", "run", "--set", "num_steps=3", warned="another compiler")
        self.assertIn(f"this is {build}", output.err)
        self.assertEqual(run.steps(), [2, 3])


if __name__ == "__main__":
    unittest.main()
