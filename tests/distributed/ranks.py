"""What the scripts here share: starting the program with several ranks, and finding its processes."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "cli"))  # for `from program import`

from program import PATIENCE, PROGRAM, Output, ProgramTest, Run  # noqa: E402

# A hang has to end before the test's own time limit does, so that mpirun takes its ranks with it.
RANKS_PATIENCE = min(PATIENCE, 300)


def text_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    except OSError:
        return ""


def reason_to_skip():
    """Why nothing can be distributed here; "" if it can."""
    if "no MPI" in text_of(PROGRAM, "--version"):
        return "the program was built without MPI (libopenmpi-dev, -DMICROGPT_MPI=ON)"
    if not shutil.which("mpirun"):
        return "there is no mpirun (openmpi-bin)"
    return ""


REASON = reason_to_skip()
IS_OPEN_MPI = "Open MPI" in text_of("mpirun", "--version")


def mpirun(ranks, *options):
    """The launcher's command line, for more ranks than cores."""
    command = ["mpirun"]
    if IS_OPEN_MPI:
        command += ["--oversubscribe", "--bind-to", "none"]
        if os.geteuid() == 0:
            command.append("--allow-run-as-root")
    return [*command, *options, "-np", str(ranks)]


@unittest.skipIf(REASON, REASON)
class RanksTest(ProgramTest):
    def launch(self, ranks, *arguments, **options):
        """Runs the program with so many ranks to its end."""
        return self.launch_command([*mpirun(ranks), PROGRAM, *arguments], **options)

    def launch_each(self, *arguments_of_ranks):
        """The same with other arguments for each rank."""
        command = mpirun(1)[:-2]
        for arguments in arguments_of_ranks:
            command += ["-np", "1", PROGRAM, *arguments, ":"]
        return self.launch_command(command[:-1])

    def launch_command(self, command, **options):
        process = self.start_command(command, **options)
        out, err = process.communicate(timeout=RANKS_PATIENCE)
        return Output(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def start_command(self, command, env=None, **options):
        # Launchers that begin and end at the same time stumble over each other's files in one folder.
        scratch = tempfile.TemporaryDirectory(prefix="mpi-", ignore_cleanup_errors=True)
        self.addCleanup(scratch.cleanup)
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**(os.environ if env is None else env), "TMPDIR": scratch.name},
            **options,
        )
        self.addCleanup(process.__exit__, None, None, None)  # closes its pipes
        self.addCleanup(process.kill)
        return process

    def start_ranks(self, ranks, *arguments):
        return self.start_command([*mpirun(ranks), PROGRAM, *arguments])

    def train_ranks(self, ranks, out, *options, threads=1, **settings):
        """A run in the folder `out`, from its beginning; `settings` are the keys of its config."""
        config = self.write_config(f"{out}.cfg", **settings)
        output = self.launch(ranks, "--config", config, "--out", out, "--threads", threads, *options)
        self.assertEqual(output.exit_code, 0, output.err)
        return Run(self.folder / out, output)

    def resume_ranks(self, ranks, path, *options, threads=1):
        output = self.launch(ranks, "--resume", path, "--threads", threads, *options)
        self.assertEqual(output.exit_code, 0, output.err)
        return Run(self.folder / path, output)

    def assert_same_story(self, run, expected):
        """All checkpoints byte for byte, no difference for h5diff, the same metrics and printed results."""
        self.assertEqual(run.steps(), expected.steps())
        for step in expected.steps():
            self.assert_same_bytes(run.checkpoint(step), expected.checkpoint(step))
        if shutil.which("h5diff"):
            done = subprocess.run(["h5diff", run.checkpoint(), expected.checkpoint()], capture_output=True, check=False)
            self.assertEqual(done.returncode, 0)
            self.assertNotIn(b"differ", done.stdout)
        self.assert_same_run(run, expected)
        self.assertEqual(run.output.results(), expected.output.results())

    def assert_one_line(self, output, exit_code, *words):
        """Among what the launcher itself has to say, one line of the program."""
        self.assertEqual(output.exit_code, exit_code, output.err)
        lines = re.findall(r"^.*microgpt: .*$", output.err, re.MULTILINE)
        self.assertEqual(len(lines), 1, output.err)
        for word in words:
            self.assertIn(str(word), lines[0])


def rank_processes(launcher):
    """The process ids of the ranks that a launcher on this machine has started, by rank."""
    found = {}
    for pid in descendants(launcher.pid):
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            program = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            continue
        rank = re.search(rb"(?:^|\0)(?:OMPI_COMM_WORLD_RANK|PMI_RANK)=(\d+)", environment)
        if rank and program == str(PROGRAM.resolve()):
            found[int(rank[1])] = pid
    return found


def descendants(pid):
    try:
        text = " ".join(path.read_text(encoding="ascii") for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []
    children = [int(word) for word in text.split()]
    return children + [grandchild for child in children for grandchild in descendants(child)]
