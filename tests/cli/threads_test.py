"""The same bytes, lines and metrics for any --threads."""

import unittest

from program import NAMES, ProgramTest

# A batch of many work units for each thread, over several slices of parameters.
MANY_UNITS = {"n_layer": 2, "n_embd": 24, "batch_size": 100, "num_steps": 30, "validation_fraction": 0.02}


class ThreadsTest(ProgramTest):
    def check(self, **settings):
        settings = {"dataset": NAMES, "eval_every": 10, "checkpoint_every": 10} | MANY_UNITS | settings
        expected = self.train("threads-1", threads=1, **settings)
        self.assertEqual(expected.steps(), [10, 20, 30])
        for threads in (2, 3, 8):
            with self.subTest(threads=threads):
                run = self.train(f"threads-{threads}", threads=threads, **settings)
                self.assert_same_run(run, expected)
                self.assertEqual(run.output.results(), expected.output.results())
                for step in expected.steps():  # weights, moments, history: each checkpoint as a whole
                    self.assert_same_bytes(run.checkpoint(step), expected.checkpoint(step))

    def test_names(self):
        self.check(n_head=4, zero_init_residual="false")

    def test_float64(self):
        self.check(precision="float64", weight_decay=0.1, num_steps=30)

    def test_clipping_by_the_norm_of_all(self):
        self.check(grad_clip=0.1, activation="gelu")

    def test_text(self):
        text = self.write("text.txt", NAMES.read_bytes()[:20_000])
        self.check(dataset=text, documents="text", block_size=20, validation_fraction=0.2)

    def test_fewer_documents_than_threads(self):
        self.check(batch_size=2)

    def test_evaluation(self):
        run = self.train("run", dataset=NAMES, **MANY_UNITS)
        outputs = {
            self.succeed("evaluate", "--checkpoint", "run", "--data", NAMES, "--threads", threads).out
            for threads in (1, 2, 3, 8)
        }
        self.assertEqual(len(outputs), 1, run.folder)

    def test_a_document_for_each_thread(self):
        """The one setting that asks for it: batch_size: threads. Then the number is kept."""
        settings = MANY_UNITS | {"dataset": NAMES}
        run = self.train("by-threads", threads=3, **settings | {"batch_size": "threads"})
        self.assert_same_run(run, self.train("by-number", threads=1, **settings | {"batch_size": 3}))


if __name__ == "__main__":
    unittest.main()
