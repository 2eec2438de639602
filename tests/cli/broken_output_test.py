"""Output that does not arrive: a full disk, a reader that has gone, a stream that was never opened."""

import unittest

from program import NAMES, ProgramTest, Run


class BrokenOutputTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.write("names.txt", "\n".join(names[::500]))
        self.expected = self.train("former", dataset="names.txt", num_steps=30, checkpoint_every=10)

    def test_a_full_disk_behind_stdout(self):
        with open("/dev/full", "wb") as full:
            for arguments in (
                ["--help"],
                ["--version"],
                ["train", "--help"],
                ["--config", "former.cfg", "--print-config"],
                ["--config", "former.cfg", "--out", "new"],
                ["--resume", "former"],
                ["generate", "--checkpoint", "former"],
                ["evaluate", "--checkpoint", "former", "--data", "names.txt"],
                ["info", "former"],
            ):
                with self.subTest(arguments):
                    self.assert_one_error(self.microgpt(*arguments, stdout=full), 1, "output")

    def test_quiet_needs_no_stdout(self):
        with open("/dev/full", "wb") as full:
            output = self.microgpt("--config", "former.cfg", "--out", "new", "--quiet", stdout=full)
        self.assertEqual((output.exit_code, output.err), (0, ""))

    def read_one_line_of(self, streams):
        """Of a run without end; returns its exit code, that line and what the reader did not take."""
        config = self.write_config("run.cfg", dataset="names.txt", num_steps=10**9, checkpoint_every=10**9, log_every=1)
        return self.shell(f'"$@" {streams} | head -1; exit ${{PIPESTATUS[0]}}', "--config", config)

    def test_a_reader_that_goes_away(self):
        status, out, err = self.read_one_line_of("")
        self.assertEqual((status, out), (1, "num docs: 52\n"))
        self.assertRegex(err, r"\Amicrogpt: error: [^\n]+\n\Z")
        run = Run(self.folder / "runs" / "run-1", None)
        (step,) = run.steps()
        self.assertIn(f"runs/run-1/{run.checkpoint(step).name}", err)
        self.assertEqual(len(run.metrics()), step, "what was done is saved")

    def test_a_reader_of_both_streams_that_goes_away(self):
        self.assertEqual(self.read_one_line_of("2>&1"), (1, "num docs: 52\n", ""))

    def test_a_full_disk_behind_stderr(self):
        with open("/dev/full", "wb") as full:
            self.assertEqual(self.microgpt("--config", "missing.cfg", stderr=full).exit_code, 2)

    def test_closed_streams(self):
        """The next file opened takes their number: what is printed must not land in it."""
        for number, closed in enumerate(("<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-")):
            with self.subTest(closed):
                run = Run(self.folder / f"run-{number}", None)
                status, *_ = self.shell(f'"$@" {closed}', "--config", "former.cfg", "--out", run.folder)
                self.assertEqual(status, 0)
                self.assertEqual(run.timeless_metrics(), self.expected.timeless_metrics())
                self.assertEqual(run.steps(), self.expected.steps())
                for step in run.steps():
                    self.assert_same_bytes(run.checkpoint(step), self.expected.checkpoint(step))


if __name__ == "__main__":
    unittest.main()
