"""What --set may change on a resume, what it may not, and that either is said."""

import hashlib
import unittest

import h5py

from program import NAMES, ProgramTest, changes, read_settings, reseal, snapshot

SETTINGS = {"num_steps": 10, "batch_size": 4, "validation_fraction": 0.2, "checkpoint_every": 5}

# All that the weights, their data and the random stream were made with: key, old and new value.
FIXED = [
    ("documents", "lines", "text"),
    ("validation_fraction", "0.2", "0.1"),
    ("n_layer", "1", "2"),
    ("n_embd", "16", "32"),
    ("n_head", "4", "2"),
    ("block_size", "8", "9"),
    ("activation", "relu_squared", "gelu"),
    ("init_std", "0.02", "0.03"),
    ("zero_init_residual", "true", "false"),
    ("seed", "42", "43"),
    ("precision", "float32", "float64"),
]

FREE = [
    ("num_steps", "10", "12"),
    ("batch_size", "4", "3"),
    ("learning_rate", "0.01", "0.002"),
    ("lr_schedule", "cosine", "constant"),
    ("warmup_steps", "0", "8"),
    ("beta1", "0.9", "0.8"),
    ("beta2", "0.95", "0.9"),
    ("eps_adam", "1.0e-08", "1.0e-06"),
    ("weight_decay", "0", "0.1"),
    ("grad_clip", "0", "1"),
    ("log_every", "auto", "2"),
    ("eval_every", "epoch", "3"),
    ("checkpoint_every", "5", "4"),
    ("keep_checkpoints", "0", "1"),
    ("early_stop_patience", "0", "1000"),
    ("num_samples", "20", "2"),
    ("temperature", "0.5", "0.7"),
]


class ResumeTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.dataset = self.write("names.txt", "\n".join(names[::900]))
        self.run_of_ten_steps = self.train("run", dataset=self.dataset, **SETTINGS)

    def assert_refused(self, *words, path="run", options=(), **settings):
        before = snapshot(self.folder)
        output = self.microgpt("--resume", path, *options, *changes(**settings))
        self.assert_one_error(output, 2, *words)
        self.assertEqual(output.out, "")
        self.assertEqual(snapshot(self.folder), before)

    def shown_changes(self, run):
        return [line for line in run.output.lines() if " → " in line]


class ChangesTest(ResumeTest):
    def test_what_is_fixed(self):
        for key, old, new in FIXED:
            with self.subTest(key):
                self.assert_refused(f"{key}: {old} → {new}", **{key: new})

    def test_all_that_is_fixed_is_listed(self):
        self.assert_refused("n_layer: 1 → 2", "seed: 42 → 7", n_layer=2, learning_rate=0.1, seed=7)

    def test_what_is_free_is_shown_and_written_down(self):
        for key, old, new in FREE:
            with self.subTest(key):
                run = self.resume("run/step-00000005.h5", "--out", key, **{key: new})
                self.assertEqual(self.shown_changes(run), [f"{key}: {old} → {new}"])
                config = (run.folder / "config.cfg").read_text(encoding="utf-8")
                self.assertEqual(read_settings(config)[key], new)
                with h5py.File(run.checkpoint()) as file:
                    self.assertEqual(file.attrs["config"], config)

    def test_the_value_as_it_is_changes_nothing(self):
        settings = {key: old for key, old, _ in FIXED + FREE}
        run = self.resume("run/step-00000005.h5", "--out", "same", **settings)
        self.assertEqual(self.shown_changes(run), [])
        self.assert_same_run(run, self.run_of_ten_steps)

    def test_steps_are_counted_from_the_first(self):
        longer = self.resume("run", num_steps=14)
        self.assertEqual(longer.output.lines("step")[0].split("|")[0], "step   11 /   14 ")
        self.assertEqual(longer.steps()[-1], 14)
        self.assertEqual([line["step"] for line in longer.metrics()], list(range(1, 15)))

    def test_steps_already_done(self):
        self.assert_refused("num_steps=9", "step 10", "at least", num_steps=9)

    def test_epochs_already_done(self):
        self.resume("run", num_epochs=3)
        self.assert_refused("num_epochs=2", "epoch 3", "at least", num_epochs=2)
        self.assertEqual(self.resume("run", num_epochs=3).steps()[-1], 18)

    def test_epochs_instead_of_steps(self):
        run = self.resume("run", num_epochs=3)
        self.assertEqual(run.steps()[-1], 18)  # three passes over 24 names, in steps of 4
        self.assertEqual(self.shown_changes(run), ["num_steps: 10 → num_epochs: 3"])
        config = read_settings((run.folder / "config.cfg").read_text(encoding="utf-8"))
        self.assertEqual((config.get("num_steps"), config["num_epochs"]), (None, "3"))

        back = self.resume("run", num_steps=20)
        self.assertEqual(self.shown_changes(back), ["num_epochs: 3 → num_steps: 20"])
        self.assertEqual(back.steps()[-1], 20)

    def test_one_document_for_each_thread(self):
        run = self.resume("run", threads=2, num_steps=11, batch_size="threads")
        self.assertIn("batch_size: 4 → 2", self.shown_changes(run))
        with h5py.File(run.checkpoint()) as file:
            self.assertEqual(file["data"].attrs["cursor"], 10 * 4 + 2)

    def test_a_batch_far_beyond_an_epoch(self):
        """A finished run may be resumed as it is, though its last batch has gone through five epochs."""
        whole = self.train("wide", dataset=self.dataset, num_epochs=1, batch_size=150)
        again = self.resume("wide")
        self.assertEqual((again.steps(), again.output.samples()), ([1], whole.output.samples()))
        self.assert_refused("num_epochs=2", "epoch 5", path="wide", num_epochs=2)

    def test_documents_are_counted_when_the_batch_grows(self):
        run = self.resume("run", num_steps=12, batch_size=10)
        with h5py.File(run.checkpoint()) as file:
            self.assertEqual(file["data"].attrs["cursor"], 10 * 4 + 2 * 10)

    def test_wrong_values_are_errors_as_ever(self):
        for key, value in (("num_steps", 0), ("learning_rate", -1), ("num_samples", "few"), ("nonsense", 1)):
            self.assert_refused(key, **{key: value})


class DatasetTest(ResumeTest):
    def test_a_dataset_that_moved(self):
        moved = self.dataset.rename(self.folder / "moved.txt")
        self.assert_refused(self.dataset, "--set dataset=")
        run = self.resume("run/step-00000005.h5", "--out", "new", dataset="moved.txt")
        self.assertEqual(self.shown_changes(run), [f"dataset: {self.dataset} → {moved}"])
        self.assertEqual(run.timeless_metrics(), self.run_of_ten_steps.timeless_metrics())

    def test_a_dataset_that_changed(self):
        self.dataset.write_bytes(self.dataset.read_bytes() + b"\n")  # though the names are the same
        self.assert_refused(self.dataset, "sha256")

    def test_a_checkpoint_that_names_another_dataset(self):
        other = self.write("other.txt", "anna\nbob\n")
        with h5py.File(self.run_of_ten_steps.checkpoint(), "r+", libver="latest") as file:
            file["data"].attrs.modify("sha256", hashlib.sha256(other.read_bytes()).hexdigest())
        reseal(self.run_of_ten_steps.checkpoint())
        self.assert_refused(other, "characters", dataset=other)

    def test_another_dataset(self):
        other = self.write("other.txt", "anna\nbob\n")
        self.assert_refused(other, "sha256", dataset=other)


if __name__ == "__main__":
    unittest.main()
