"""What a sweep shows on a terminal: a table that is drawn over and over, in the room that there is."""

import os
import re
import subprocess
import sys
import unittest

from sweep_support import PATIENCE, ROOT, SweepTest

sys.path.append(str(ROOT / "tests" / "cli"))

from terminal import open_terminal  # noqa: E402

SEARCH = ("--param", "learning_rate=log:1e-3:3e-2", "--param", "weight_decay=float:0.1:0.2", "--pruner", "none")
RESULT = r"\d\.\d{4}"
ESCAPES = re.compile(r"\x1b\[\??(\d*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """So much of a terminal as the table needs; what scrolled away stays above."""

    def __init__(self, columns, rows):
        self._columns, self._rows = columns, rows
        self.lines, self._row, self._column = [""], 0, 0

    def show(self, output):
        for count, deed, control, text in ESCAPES.findall(output):
            if deed == "A":
                top = max(0, len(self.lines) - self._rows)
                self._row = max(top, self._row - int(count or 1))
            elif deed == "K":
                self.lines[self._row] = ""
            elif control == "\r":
                self._column = 0
            elif control == "\n":
                self._down()
            for character in text:
                if self._column == self._columns:
                    self._down()
                    self._column = 0
                line = self.lines[self._row].ljust(self._column)
                self.lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
                self._column += 1

    def _down(self):
        self._row += 1
        if self._row == len(self.lines):
            self.lines.append("")


class ViewTest(SweepTest):
    def screen_after(self, trials, columns, rows):
        """The lines on a terminal of that size when a sweep of so many trials is done."""
        terminal, inside = open_terminal(self, columns, rows)
        environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        process = subprocess.Popen(
            self.command((*SEARCH, "--trials", trials), None),
            cwd=self.folder,
            env=environment | {"TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=inside,
            stderr=inside,
        )
        self.addCleanup(process.kill)
        os.close(inside)
        output = bytearray()
        try:
            while some := os.read(terminal, 65536):
                output += some
        except OSError:
            pass  # which is how the end of a pseudo-terminal reads
        self.assertEqual(process.wait(timeout=PATIENCE), 0, output)
        screen = Screen(columns, rows)
        screen.show(output.decode("utf-8"))
        lines = [line.rstrip() for line in screen.lines]
        # A frame that left rubbish behind left its headline, too.
        self.assertEqual(sum(line.count("tiny: ") for line in lines), 1, "\n".join(lines))
        return lines

    def test_a_wide_terminal(self):
        lines = self.screen_after(4, columns=100, rows=24)
        self.assertTrue(lines[0].startswith("tiny: 4 of 4 trials, "), lines)
        self.assertEqual(lines[1].split(), ["trial", "val_loss", "learning_rate", "weight_decay", "seconds"])
        for line in lines[2:6]:
            self.assertRegex(line, rf"^ +\d  +{RESULT} +0\.0\d+ +0\.1\d+ +\d+\.\d$")
        self.assertTrue(lines[6].startswith("best: "), lines)

    def test_a_narrow_terminal(self):
        lines = self.screen_after(4, columns=40, rows=24)
        self.assertEqual(lines[1].split(), ["trial", "val_loss", "settings"])
        for first, second in zip(lines[2:10:2], lines[3:10:2]):
            self.assertRegex(first, rf"^ +\d +{RESULT}  ?learning_rate=0\.\d+$")
            self.assertRegex(second, r"^ +weight_decay=0\.\d+$")
        self.assertTrue(lines[10].startswith("best: "), lines)

    def test_a_low_terminal(self):
        lines = self.screen_after(8, columns=40, rows=6)
        self.assertEqual(sum(bool(re.match(rf" +\d +{RESULT} ", line)) for line in lines), 2, lines)


if __name__ == "__main__":
    unittest.main()
