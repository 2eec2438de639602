"""A sweep follows the metrics of its trainings: each line once, and anew where a file is written anew."""

import json
import os
import sys
import unittest
from unittest import mock

from sweep_support import ROOT, SweepTest

sys.path.append(str(ROOT / "tools"))

from microgpt_tools.sweep import growing_metrics  # noqa: E402


def lines(*steps, more=0):
    """A line for each step, every second one evaluated."""
    return "".join(
        json.dumps({"step": step, "loss": step + more} | ({"val_loss": -step - more} if step % 2 == 0 else {}))
        + "\n"
        for step in steps
    )


class GrowingMetricsTest(SweepTest):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "metrics.jsonl"
        self.metrics = growing_metrics.GrowingMetrics(self.file)

    def append(self, text):
        with open(self.file, "a", encoding="utf-8") as file:
            file.write(text)

    def write_anew(self, text):
        """As microgpt does it: whole, under another name first."""
        os.replace(self.write("new", text), self.file)

    def assert_read(self, step, losses, val_losses):
        self.metrics.read()
        found = (self.metrics.step, list(self.metrics.losses), self.metrics.val_losses)
        self.assertEqual(found, (step, losses, val_losses))

    def test_each_line_is_read_once_when_it_is_complete(self):
        self.assert_read(None, [], [])
        text = lines(1, 2, 3, 4)
        half = len(text) - 10
        with mock.patch.object(growing_metrics.json, "loads", side_effect=json.loads) as loads:
            self.append(text[:half])
            for _ in range(3):
                self.assert_read(3, [1, 2, 3], [-2])
            self.append(text[half:])
            for _ in range(3):
                self.assert_read(4, [1, 2, 3, 4], [-2, -4])
        self.assertEqual(loads.call_count, 4)

    def test_a_file_that_became_shorter(self):
        self.append(lines(1, 2, 3, 4))
        self.assert_read(4, [1, 2, 3, 4], [-2, -4])
        self.write_anew(lines(1, 2))
        self.assert_read(2, [1, 2], [-2])
        os.truncate(self.file, len(lines(1)))
        self.assert_read(1, [1], [])

    def test_a_file_that_was_written_anew_and_has_grown_since(self):
        self.append(lines(1, 2))
        self.assert_read(2, [1, 2], [-2])
        self.write_anew(lines(1, 2, 3, 4, more=4))
        self.assert_read(4, [5, 6, 7, 8], [-6, -8])


if __name__ == "__main__":
    unittest.main()
