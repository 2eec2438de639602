"""What the tests of look.py share: starting it, and its modules."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("MICROGPT_SOURCE") or Path(__file__).resolve().parents[2])
sys.path += [str(ROOT / "tests" / "cli"), str(ROOT / "tools")]

from program import NAMES, PATIENCE, Output, ProgramTest

LOOK = ROOT / "tools" / "look.py"
PICTURES = [
    f"{what}.{suffix}" for what in ("probabilities", "attention", "embeddings") for suffix in ("png", "svg")
]


class LookTest(ProgramTest):
    def look(self, *arguments, python=(sys.executable,), **environment):
        environment = os.environ | {"COLUMNS": "100", "PYTHONIOENCODING": "utf-8"} | environment
        done = subprocess.run(
            [*python, str(LOOK), *map(str, arguments)], cwd=self.folder, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        return Output(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))

    def show(self, *arguments, **environment):
        """What look.py prints when all is well."""
        output = self.look(*arguments, **environment)
        self.assertEqual((output.exit_code, output.err), (0, ""))
        return output.out

    def assert_refused(self, output, *words, exit_code=2):
        self.assertEqual((output.exit_code, output.out), (exit_code, ""), output.err)
        self.assertRegex(output.err, r"\Alook\.py: error: [^\n]+\n\Z")
        for word in words:
            self.assertIn(str(word), output.err)

    def train_names(self, out="run", **settings):
        return self.train(out, **{"dataset": NAMES, "num_steps": 20, "num_samples": 0} | settings)
