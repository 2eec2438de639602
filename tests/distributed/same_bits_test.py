"""The same bytes, lines and metrics for any number of ranks, with any number of threads in each."""

import os
import unittest

from ranks import RanksTest
from program import NAMES, read_settings

SETTINGS = {
    "dataset": NAMES,
    "num_steps": 8,
    "eval_every": 4,
    "checkpoint_every": 4,
    "validation_fraction": 0.01,
    "zero_init_residual": "false",
    "num_samples": 2,
}
# By the number of parameters: one message with everything, or shards of it. 2 · 27 · 72 parameters of
# the second fill several slices, the last of them in part.
SMALL = {"n_embd": 16, "batch_size": 50}
LARGE = {"n_embd": 72, "n_layer": 2, "batch_size": 61}


class SameBitsTest(RanksTest):
    def check(self, layouts, **settings):
        settings = SETTINGS | settings
        case = str(len(list(self.folder.glob("*.cfg"))))
        expected = self.train(f"{case}-alone", threads=2, **settings)
        self.assertEqual(expected.steps(), [4, 8])
        for ranks, threads in layouts:
            with self.subTest(ranks=ranks, threads=threads):
                run = self.train_ranks(ranks, f"{case}-{ranks}x{threads}", threads=threads, **settings)
                self.assert_same_story(run, expected)

    def test_a_small_model(self):
        self.check([(2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2), (7, 1), (7, 2)], **SMALL)

    def test_a_large_model(self):
        self.check([(1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2), (7, 1), (7, 2)], **LARGE)

    def test_threads_that_are_not_given(self):
        """Ranks on the same cores share them out; here each has a document for each of its threads."""
        settings = SETTINGS | {"n_embd": 16, "batch_size": "threads", "num_steps": 1, "eval_every": 1}
        config = self.write_config("default.cfg", **settings)
        output = self.launch(2, "--config", config, "--out", "default")
        self.assertEqual(output.exit_code, 0, output.err)
        written = read_settings((self.folder / "default/config.cfg").read_text(encoding="utf-8"))
        cores = len(os.sched_getaffinity(0))
        self.assertEqual(int(written["batch_size"]), 2 * max(1, cores // 2))

    def test_float64(self):
        self.check([(3, 1)], precision="float64", **SMALL)
        self.check([(2, 1), (7, 1)], precision="float64", **LARGE)

    def test_clipping_by_the_norm_of_all(self):
        self.check([(4, 1)], grad_clip=0.1, weight_decay=0.01, **SMALL)
        self.check([(3, 1)], grad_clip=0.1, weight_decay=0.01, activation="gelu", **LARGE)

    def test_text(self):
        text = self.write("text.txt", NAMES.read_bytes()[:20_000])
        self.check([(3, 1)], dataset=text, documents="text", block_size=20, **LARGE | {"validation_fraction": 0.1})

    def test_more_ranks_than_documents(self):
        self.check([(5, 1)], **SMALL | {"batch_size": 2})
        self.check([(5, 1)], **LARGE | {"batch_size": 3})

    def test_more_ranks_than_held_out_documents(self):
        names = self.write("few.txt", "\n".join(NAMES.read_text(encoding="utf-8").split()[::300]))
        self.check([(5, 1)], dataset=names, **SMALL | {"validation_fraction": 0.02})

    def test_early_stopping(self):
        settings = SETTINGS | SMALL | {"learning_rate": 1.0, "lr_schedule": "constant", "num_steps": 400}
        settings |= {"eval_every": 2, "early_stop_patience": 3}
        expected = self.train("alone", **settings)
        self.assertIn("stopped early", expected.output.out)
        for ranks in (2, 3):
            self.assert_same_story(self.train_ranks(ranks, f"{ranks}", **settings), expected)

    def test_a_document_for_each_thread_of_each_rank(self):
        settings = SETTINGS | SMALL | {"batch_size": "threads"}
        run = self.train_ranks(3, "by-threads", threads=2, **settings)
        self.assert_same_story(run, self.train("by-number", **settings | {"batch_size": 6}))


class ResumeTest(RanksTest):
    """From one number of ranks to another, as if there had been no interruption."""

    def check(self, *counts, **settings):
        settings = SETTINGS | settings | {"num_steps": 4 * len(counts), "lr_schedule": "constant"}
        whole = self.train("whole", **settings)
        self.train_ranks(counts[0], "run", **settings | {"num_steps": 4})
        for done, ranks in enumerate(counts[1:], start=2):
            run = self.resume_ranks(ranks, "run", "--set", f"num_steps={4 * done}")
        self.assert_same_run(run, whole)

    def test_a_small_model(self):
        self.check(2, 1, 3, **SMALL)

    def test_a_large_model(self):
        self.check(3, 4, 1, 2, **LARGE)

    def test_a_finished_run_into_a_new_folder(self):
        whole = self.train("whole", **SETTINGS | LARGE)
        self.resume_ranks(2, "whole", "--out", "copy")
        self.assert_same_bytes(self.folder / "copy" / whole.checkpoint().name, whole.checkpoint())


if __name__ == "__main__":
    unittest.main()
