"""Each call that touches the disk fails once, or from some moment on: one clear error, and nothing is lost.

A run without faults tells which calls there are. Then the same run has each of them fail, for every reason that
such a call can have; and when the disk is well again, it goes on to its end, where it has to be the run that
nobody disturbed.
"""

import errno
import os
import re
import unittest

from faulty_disk import Fault, FaultTest, Run, step_of

FULL = errno.ENOSPC
BROKEN = errno.EIO
REFUSED = errno.EACCES
READ_ONLY = errno.EROFS
STDOUT = re.compile(r"(num docs|vocab size|num params|run folder|resumed): .+|(step|eval) +\d+ / +\d+ \| .+")


def reasons(call):
    """For which such a call fails in practice."""
    if call.name == "read" or (call.name, call.detail) == ("open", "read"):
        return [BROKEN]
    if call.name in ("write", "fsync", "close"):
        return [FULL, BROKEN]
    if call.name == "unlink":
        return [BROKEN, REFUSED, READ_ONLY]
    return [FULL, BROKEN, REFUSED, READ_ONLY]


def is_of_the_run(call):
    """HDF5 looks outside for a file that is called like the one it has in memory: that may fail."""
    return call.path in (".", "run") or call.path.startswith("run/")


class FailingCallsTest(FaultTest):
    def setUp(self):
        super().setUp()
        self.arguments = self.train_arguments(num_steps=4)
        self.whole, calls = self.undisturbed("whole", self.arguments)
        self.calls = [call for call in calls if is_of_the_run(call)]
        self.training = next(call.number for call in calls if (call.name, call.path) == ("write", "run/metrics.jsonl"))

    def run_into(self, fault, box):
        """Returns the run that was stopped, if it was; what it left is whole."""
        output, calls = self.in_box(box, self.arguments, fault)
        run = Run(box / "run", output)
        if output.exit_code == 0:
            # All that may fail unnoticed is the end of metrics.jsonl, whose bytes are on the disk by then.
            self.assertEqual((fault.call.name, fault.call.path), ("close", "run/metrics.jsonl"))
            self.assert_same_folder(run, self.whole)
            return None

        self.assert_one_error(output, output.exit_code, os.strerror(fault.value))
        self.assertIn(output.exit_code, (1,) if fault.call.number >= self.training else (1, 2))
        for line in output.lines():
            self.assertRegex(line, STDOUT)
        made = [step_of(call.detail) for call in calls if call.name == "rename" and call.number < fault.call.number]
        self.assertEqual(run.steps(), [step for step in made if step])
        for step in run.steps():
            self.assert_same_bytes(run.checkpoint(step), self.whole.checkpoint(step))
        return run

    def go_on(self, box):
        run = Run(box / "run", None)
        arguments = ["--resume", "run", "--threads", 1] if run.steps() else self.arguments
        output, _ = self.in_box(box, arguments)
        self.assertEqual((output.exit_code, output.err), (0, ""))
        self.assert_same_folder(run, self.whole)

    def test_a_call_that_fails(self):
        def check(fault, box):
            run, call = self.run_into(fault, box), fault.call
            if run:
                name = call.path.removesuffix(".tmp") if call.path != "." else box.name
                self.assertIn(name, run.output.err)
                if call.name != "unlink":
                    self.assertEqual(list(box.glob("run/*.tmp")), [])
                self.go_on(box)
            return run

        faults = [Fault(call, "fail", reason) for call in self.calls for reason in reasons(call)]
        failed = sum(run is not None for run in self.for_each(faults, check))
        print(f"{self.id()}: {failed} failures of {len(self.calls)} calls")

    def test_a_disk_that_fails_from_some_call_on(self):
        def check(fault, box):
            if self.run_into(fault, box):
                if fault.value == FULL:
                    self.assertEqual(list(box.glob("run/*.tmp")), [])
                self.go_on(box)

        reasons = (FULL, BROKEN, READ_ONLY)
        calls = [call for call in self.calls if call.changes_the_disk]
        self.for_each([Fault(call, "fail-on", reasons[call.number % len(reasons)]) for call in calls], check)

    def check_harmless(self, faults):
        def check(fault, box):
            output, _ = self.in_box(box, self.arguments, fault)
            if output.exit_code != 0:
                return f"{fault.call}: {output.err}"
            self.assert_same_folder(Run(box / "run", None), self.whole)
            return ""

        self.assertEqual("".join(self.for_each(faults, check)), "")

    def test_a_call_that_a_signal_interrupts(self):
        """Opening a folder is left out: the C++ library does that, too, and gives no second chance."""
        names = ("open", "read", "write", "fsync", "close")
        calls = [call for call in self.calls if call.name in names and (call.name, call.path) != ("open", "run")]
        self.check_harmless(Fault(call, "fail", errno.EINTR) for call in calls)

    def test_reads_and_writes_that_are_short(self):
        calls = [call for call in self.calls if call.name in ("read", "write")]
        sizes = {call: {1, call.size // 2, call.size - 1} - {0} for call in calls}
        self.check_harmless(Fault(call, "short", size) for call in calls for size in sorted(sizes[call]))


if __name__ == "__main__":
    unittest.main()
