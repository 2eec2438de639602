"""What the tests of plot.py share: runs of the real program, calling plot.py, reading its pictures."""

import os
import re
import signal
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path

ROOT = Path(os.environ.get("MICROGPT_SOURCE") or Path(__file__).resolve().parents[2])
sys.path[:0] = [str(ROOT / "tests" / "cli"), str(ROOT / "tools")]

from program import NAMES, PATIENCE, Output, ProgramTest  # noqa: E402

PLOT = ROOT / "tools" / "plot.py"
SVG = "{http://www.w3.org/2000/svg}"


class PlotTest(ProgramTest):
    def training(self, out, **settings):
        """The folder of a run of 40 steps, unless the settings say otherwise."""
        settings = {
            "dataset": NAMES,
            "validation_fraction": 0.02,
            "eval_every": 10,
            "num_steps": 40,
        } | settings
        return self.train(out, "--quiet", **settings).folder

    def plot(self, *arguments, **options):
        done = subprocess.run(
            [sys.executable, PLOT, *map(str, arguments)], cwd=self.folder, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=PATIENCE, check=False, **options,
        )  # fmt: skip
        return Output(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))

    def plotted(self, *arguments, **options):
        """The paths that plot.py says it has written."""
        output = self.plot(*arguments, **options)
        self.assertEqual((output.exit_code, output.err), (0, ""), output.out)
        return [self.folder / line for line in output.lines()]

    def assert_refused(self, output, *words, exit_code=2):
        self.assertEqual(output.exit_code, exit_code, output.err)
        self.assertRegex(output.err, r"\Aplot\.py: error: [^\n]+\n\Z")
        for word in words:
            self.assertIn(str(word), output.err)

    def assert_is_picture(self, path, least=(600, 400)):
        """A whole PNG that is not blank."""
        width, height, pixels = read_png(path)
        self.assertGreater(width, least[0])
        self.assertGreater(height, least[1])
        self.assertGreater(len(set(zlib.decompress(pixels)[: width * height * 4])), 20, "a blank picture")

    def interrupt_when_reading(self, fifo, *arguments):
        """The output of plot.py after Ctrl-C while it reads a file that has no end."""
        os.mkfifo(fifo)
        process = subprocess.Popen(
            [sys.executable, PLOT, *map(str, arguments)], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.addCleanup(process.kill)
        with open(fifo, "wb"):  # returns when plot.py has opened its end
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
        return Output(process.returncode, out.decode(), err.decode())


def read_png(path):
    """Width, height and the compressed pixels."""
    data = path.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[-8:-4] != b"IEND":
        raise AssertionError(f"{path} is not a whole PNG")
    width, height = struct.unpack(">II", data[16:24])
    place, pixels = 8, b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind == b"IDAT":
            pixels += data[place + 8 : place + 8 + length]
        place += length + 12
    return width, height, pixels


def texts(svg):
    """All texts of an SVG, which must be well-formed."""
    return ["".join(element.itertext()).strip() for element in ElementTree.parse(svg).iter(f"{SVG}text")]


def curve(svg, name):
    """The points of a curve, as its path has them: x to the right, y downward."""
    for group in ElementTree.parse(svg).iter(f"{SVG}g"):
        if group.get("id") == name:
            path = group.find(f"{SVG}path")
            numbers = re.findall(r"[ML] (\S+) (\S+)", path.get("d") if path is not None else "")
            return [(float(x), float(y)) for x, y in numbers]
    raise AssertionError(f"{svg} has no curve {name}")
