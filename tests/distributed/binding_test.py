"""Ranks that are bound to one core each: more threads would take turns there, which is said."""

import os
import shutil
import unittest

from ranks import RanksTest, mpirun
from program import NAMES, PROGRAM

WARNING = "microgpt: warning: the launcher has bound each process to 1 of the machine's cores, but it has 2 threads"


@unittest.skipIf(os.cpu_count() == 1, "the machine has one core")
@unittest.skipUnless(shutil.which("taskset"), "there is no taskset (util-linux)")
class BindingTest(RanksTest):
    def errors_of_bound(self, ranks, threads):
        """What so many ranks say, all on the first of the cores that this process may use."""
        core = min(os.sched_getaffinity(0))
        config = self.write_config("run.cfg", dataset=NAMES, num_steps=2, num_samples=0)
        arguments = ["--config", config, "--out", f"run-{ranks}-{threads}", "--threads", threads]
        output = self.launch_command(["taskset", "-c", core, *mpirun(ranks), PROGRAM, *arguments])
        self.assertEqual(output.exit_code, 0, output.err)
        return output.err

    def test_more_threads_than_cores(self):
        self.assertEqual(self.errors_of_bound(2, 2).count(WARNING), 1)

    def test_as_many_threads_as_cores(self):
        self.assertNotIn("warning", self.errors_of_bound(2, 1))

    def test_one_process(self):
        self.assertNotIn("warning", self.errors_of_bound(1, 2))


if __name__ == "__main__":
    unittest.main()
