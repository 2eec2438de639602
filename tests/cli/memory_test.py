"""Memory: what a run takes is what the README says, and more than there is gets refused before it is taken."""

import os
import re
import resource
import unittest

from program import NAMES, ProgramTest

THREADS = 2
SETTINGS = {
    "dataset": "names.txt",
    "n_layer": 4,
    "n_embd": 256,
    "block_size": 64,
    "batch_size": 64,
    "num_steps": 2,
    "num_samples": 0,
}


def parameters(vocab_size, n_layer, n_embd, block_size):
    return 2 * vocab_size * n_embd + block_size * n_embd + 12 * n_layer * n_embd**2


class MemoryTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.names = NAMES.read_text(encoding="utf-8").split()[::100]
        self.write("names.txt", "\n".join(self.names))

    def peak(self, **settings):
        """The most bytes that a run of these settings had in memory."""
        config = self.write_config("run.cfg", **settings)
        process = self.start("--config", config, "--out", "run", "--overwrite", "--quiet", "--threads", THREADS)
        with process.stdout, process.stderr:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0, process.stderr.read())
        return usage.ru_maxrss * 1024

    @unittest.skipIf("SANITIZE" in os.environ, "a sanitizer takes memory of its own")
    def test_the_formula(self):
        """In units of a set of parameters, P: 4 for the model, gradients, 6 while a checkpoint is written."""
        vocab_size = len(set("".join(self.names))) + 1
        size = 4 * parameters(vocab_size, *(SETTINGS[key] for key in ("n_layer", "n_embd", "block_size")))
        activations = THREADS * 128 * 4 * 256 * (4 * 10 + 16)
        lanes_of = {
            12: 4,  # 64 · 12 / 256, to a power of two
            64: 16,
        }
        self.assertLess(max(map(len, self.names)) + 1, 12)
        for longest, lanes in lanes_of.items():
            with self.subTest(longest=longest):
                self.write("names.txt", "\n".join([*self.names, "a" * (longest - 1)]))
                small = self.peak(**SETTINGS | {"n_layer": 1, "n_embd": 16})
                taken = self.peak(**SETTINGS) - small
                gradients = min(lanes, THREADS + lanes.bit_length() - 1)
                self.assertGreater(taken, 0.7 * ((4 + 2 + gradients) * size + activations))
                self.assertLess(taken, 1.1 * ((4 + 6 + gradients) * size + activations))

    def test_a_model_that_no_machine_holds(self):
        config = self.write_config("run.cfg", **SETTINGS | {"n_layer": 1000, "n_embd": 65536})
        output = self.microgpt("--config", config, "--out", "run")
        self.assert_one_error(output, 2, "needs", "PiB of memory", "free", "n_embd")
        self.assertFalse((self.folder / "run").exists())

    @unittest.skipIf("SANITIZE" in os.environ, "a sanitizer takes memory of its own")
    def test_a_limit_of_the_user(self):
        """`ulimit -v`: what fits within it runs, what does not is refused."""
        limit = 700 * 1024 * 1024

        def set_limit():
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

        config = self.write_config("run.cfg", **SETTINGS | {"n_embd": 32})
        self.succeed("--config", config, "--out", "small", preexec_fn=set_limit)
        config = self.write_config("run.cfg", **SETTINGS | {"n_embd": 2048})
        output = self.microgpt("--config", config, "--out", "large", preexec_fn=set_limit)
        self.assert_one_error(output, 2, "needs", "GiB of memory", "MiB are free", "n_embd")
        self.assertFalse((self.folder / "large").exists())

    @unittest.skipIf("SANITIZE" in os.environ, "a sanitizer takes memory of its own")
    def test_a_resume_needs_no_more_than_a_new_run(self):
        """It has read the model when it asks for memory: that part is not asked for twice."""
        few = {"n_embd": 640, "batch_size": 4, "num_steps": 1, "checkpoint_every": 1, "activation": "relu"}
        config = self.write_config("run.cfg", **SETTINGS | few)
        mebibyte = 2**20
        limit = 200 * mebibyte

        def set_limit():
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

        arguments = ["--config", config, "--out", "run", "--threads", 1]
        said = self.microgpt(*arguments, preexec_fn=set_limit).err
        needs, free = (float(number) for number in re.search(r"needs ([\d.]+) MiB .* but ([\d.]+) MiB", said).groups())
        model = 3 * 4 * parameters(27, 4, 640, 64) / mebibyte
        limit = int(limit + (needs - free + model / 3) * mebibyte)
        self.succeed(*arguments, preexec_fn=set_limit)
        self.succeed("--resume", "run", "--threads", 1, "--set", "num_steps=2", preexec_fn=set_limit)

    @unittest.skipIf("SANITIZE" in os.environ, "a sanitizer takes memory of its own")
    def test_a_dataset_of_many_documents(self):
        """Which take more memory than its bytes: 32 each."""
        count = 2_000_000
        limit = 100 * 2**20

        def set_limit():
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

        self.write("names.txt", "a\n" * count)
        config = self.write_config("run.cfg", **SETTINGS)
        said = self.microgpt("--config", config, "--out", "run", preexec_fn=set_limit)
        self.assert_one_error(said, 2, "names.txt", f"{count} documents", "MiB of memory")

    def test_a_dataset_larger_than_memory(self):
        """It is refused by its size, not read until there is no room: this file is all holes."""
        with open(self.folder / "names.txt", "r+b") as file:
            file.truncate(1 << 42)
        config = self.write_config("run.cfg", **SETTINGS)
        self.assert_one_error(self.microgpt("--config", config, "--out", "run"), 2, "names.txt", "TiB of memory")


if __name__ == "__main__":
    unittest.main()
