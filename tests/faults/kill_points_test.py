"""SIGKILL before, within and after every call that touches the disk: no checkpoint is lost, and the run goes on.

A run without faults tells which calls there are. Then, for each of them, the same run is killed there, what it
left is looked at, and it goes on to its end, where it has to be the run that nobody disturbed. (It does not go on
where it was killed before a call: then the disk is as it was after the last call that changed it.)
"""

import shutil
import signal
import unittest
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import h5py
from faulty_disk import Fault, FaultTest, Run, step_of

CUTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # of a write: the parts that are done when the program dies
LEAST_KILLS_IN_WRITES = 200
LINKS = ("latest.h5", "best.h5")
# Here the best checkpoint is neither the first nor the newest, and all kinds get removed.
PRUNED = {
    "num_steps": 5,
    "checkpoint_every": 1,
    "eval_every": 1,
    "log_every": 1,
    "keep_checkpoints": 1,
    "learning_rate": 0.03,
    "seed": 3,
}


@dataclass
class Scenario:
    """What is done in a box, and what has to be so wherever it is killed."""

    arguments: list
    must_stay: Callable  # (made, there): of the steps that ever had a checkpoint, those that must have it still
    content: Path | None = None  # of the box at the start
    links_stay: bool = True  # once they are there
    resumed: bool = True  # it goes on by --resume if there is a checkpoint, else by the same arguments
    former_steps: frozenset = frozenset()
    originals: dict = field(default_factory=dict)  # of each step, the bytes of its checkpoint
    whole: Run = None


class KillPointsTest(FaultTest):
    def learn(self, scenario, box):
        """Takes the checkpoints in a box for the originals."""
        run = Run(box / "run", None)
        for step in run.steps():
            with h5py.File(run.checkpoint(step)) as file:
                self.assertEqual(file.attrs["step"], step)
            scenario.originals[step] = run.checkpoint(step).read_bytes()

    def prepare(self, name, scenario):
        """Lets nobody disturb the run; returns its calls."""
        if scenario.content:
            self.learn(scenario, scenario.content)
            scenario.former_steps = frozenset(scenario.originals)
        scenario.whole, calls = self.undisturbed(name, scenario.arguments, scenario.content)
        self.learn(scenario, scenario.whole.folder.parent)
        return calls

    def learn_what_is_removed(self, scenario, calls):
        """Checkpoints that the run itself removes: from runs that end before."""

        def learn_before(fault, box):
            self.in_box(box, scenario.arguments, fault)
            self.learn(scenario, box)

        removals = [call for call in calls if call.name == "unlink" and step_of(call.path)]
        self.for_each([Fault(call, "kill-before") for call in removals], learn_before, scenario.content)

    def kill_everywhere(self, scenario, calls):
        """Returns how many kills were in the writing of a checkpoint."""
        kills = list(kill_points(calls))
        logs = self.for_each(kills, lambda *kill: self.kill(scenario, *kill), scenario.content)
        in_writes = sum(map(is_in_the_writing_of_a_checkpoint, logs, kills))
        print(f"{self.id()}: {len(kills)} kills, {in_writes} of them in the writing of a checkpoint")
        return in_writes

    def kill(self, scenario, fault, box):
        """The calls up to the kill."""
        output, calls = self.in_box(box, scenario.arguments, fault)
        run = Run(box / "run", None)
        self.assertEqual(output.exit_code, -signal.SIGKILL, output.err)
        self.assertTrue(calls[-1].is_like(fault.call))
        self.look(scenario, run, calls, fault)
        if fault.action != "kill-before":
            self.go_on(scenario, box, run)
        return calls

    def look(self, scenario, run, calls, fault):
        """What a checkpoint is called has all its bytes; what has to be there is there; no link dangles."""
        steps = set(run.steps())
        for step in steps:
            self.assertTrue(run.checkpoint(step).read_bytes() == scenario.originals[step], f"step {step} is damaged")
        done = calls_done(calls, fault)
        made = {step_of(call.detail) for call in done if call.name == "rename"} - {None}
        must_stay = scenario.must_stay(scenario.former_steps | made, steps)
        self.assertLessEqual(must_stay, steps, "lost")
        for link in LINKS:
            is_made = any(
                f"run/{link}" in (call.path, call.detail) for call in done if call.name in ("rename", "symlink")
            )
            was_there = scenario.content and (scenario.content / "run" / link).is_symlink()
            if (run.folder / link).is_symlink() or (scenario.links_stay and (is_made or was_there)):
                self.assertTrue((run.folder / link).exists(), f"{link} is gone, or dangles")

    def go_on(self, scenario, box, run):
        arguments = scenario.arguments
        if scenario.resumed:
            resume = ["--resume", "run", "--threads", 1]
            if run.steps():
                arguments = resume
            else:
                self.assert_one_error(self.in_box(box, resume)[0], 2, "run: there is no")
        output, _ = self.in_box(box, arguments)
        self.assertEqual((output.exit_code, output.err), (0, ""))
        self.assert_same_folder(run, scenario.whole)

    def test_a_run(self):
        """From its first call to its last, once with all checkpoints kept and once with few."""
        kept = Scenario(self.train_arguments(), must_stay=lambda made, _: made)
        in_writes = self.kill_everywhere(kept, self.prepare("kept", kept))

        def newest_and_best(made, _):
            losses = {line["step"]: line["val_loss"] for line in pruned.whole.metrics()}
            return {max(made), min(made, key=losses.get)} if made else set()

        pruned = Scenario(self.train_arguments("pruned", **PRUNED), newest_and_best)
        calls = self.prepare("pruned", pruned)
        self.assertEqual(pruned.whole.steps(), [3, 5])
        self.learn_what_is_removed(pruned, calls)
        in_writes += self.kill_everywhere(pruned, [call for call in calls if call.number >= first_checkpoint(calls)])
        self.assertGreaterEqual(in_writes, LEAST_KILLS_IN_WRITES)

    def half_done(self):
        """A box in which a run was killed while it wrote its second checkpoint, and whatever else may be half done."""
        arguments = self.train_arguments()
        _, calls = self.undisturbed("done", arguments)
        write = next(call for call in calls if call.name == "write" and step_of(call.path) == 4)
        box = self.folder / "half-done"

        def leave_half(fault, victim):
            self.in_box(victim, arguments, fault)
            shutil.copytree(victim, box, symlinks=True)

        self.for_each([Fault(write, "kill-within", write.size // 2)], leave_half)
        for name in (".microgpt-probe", ".microgpt-probe.tmp", "config.cfg.tmp", "metrics.jsonl.tmp"):
            (box / "run" / name).write_bytes(b"half")
        for link in LINKS:
            (box / "run" / f"{link}.tmp").symlink_to("step-00000004.h5")
        return box

    def test_a_resume_and_its_clearing_away(self):
        """Killed for a second time; and as step 4 gets no checkpoint now, nothing else replaces its half one."""
        box = self.half_done()
        self.assertTrue((box / "run/step-00000004.h5.tmp").exists())
        arguments = ["--resume", "run", "--threads", 1]
        for key in ("checkpoint_every", "eval_every", "log_every"):
            arguments += ["--set", f"{key}=3"]
        resume = Scenario(arguments, must_stay=lambda made, _: made, content=box, resumed=False)
        calls = self.prepare("resumed", resume)
        self.assertEqual([path.name for path in resume.whole.folder.glob("*.tmp")], [])
        self.kill_everywhere(resume, [call for call in calls if call.number <= first_checkpoint(calls)])

    def test_a_former_run_that_is_replaced(self):
        """It goes; and what goes on is the new run, whatever was left of the former."""
        box = self.undisturbed("former", self.train_arguments("pruned", **PRUNED))[0].folder.parent
        arguments = [*self.train_arguments(), "--overwrite"]
        new = Scenario(arguments, must_stay=lambda made, _: made - {3, 5}, content=box, links_stay=False, resumed=False)
        calls = self.prepare("replaced", new)
        self.kill_everywhere(new, [call for call in calls if call.number <= first_checkpoint(calls)])

    def test_later_checkpoints_that_are_replaced(self):
        """The one that the run goes on from stays; of the later ones, the earlier stay longer."""
        box = self.undisturbed("former", self.train_arguments())[0].folder.parent
        arguments = ["--resume", "run/step-00000002.h5", "--threads", 1, "--set", "learning_rate=0.02", "--overwrite"]

        def first_ones(made, there):
            return {2} | {step for step in made if step < max(there, default=2)}

        changed = Scenario(arguments, first_ones, content=box, links_stay=False, resumed=False)
        calls = self.prepare("changed", changed)
        self.learn(changed, box)  # not of the changed run: it is killed before it has any
        removed = [step_of(call.path) for call in calls if call.name == "unlink" and call.path.endswith("h5")]
        self.assertEqual([step for step in removed if step], [6, 4])
        self.kill_everywhere(changed, [call for call in calls if call.number <= first_checkpoint(calls)])


def first_checkpoint(calls):
    """The number of the call that begins its writing."""
    return next(call.number for call in calls if call.detail == "create" and step_of(call.path))


def calls_done(calls, fault):
    """Of the calls up to a kill, those that came to their end."""
    return calls if fault.action == "kill-after" else calls[:-1]


def kill_points(calls):
    """Before each call, after each that changes something, and at several places within each write."""
    for call in calls:
        yield Fault(call, "kill-before")
        if call.changes_the_disk:
            yield Fault(call, "kill-after")
        if call.name == "write":
            for size in sorted({min(max(round(cut * call.size), 1), call.size - 1) for cut in CUTS}):
                yield Fault(call, "kill-within", size)


def is_in_the_writing_of_a_checkpoint(calls, fault):
    """Behind the call that makes its temporary file, and before its name is durable."""
    writing = False
    for call in calls_done(calls, fault):
        if call.detail == "create" and step_of(call.path):
            writing = True
        elif (call.name, call.path) == ("fsync", "run"):
            writing = False
    return writing


if __name__ == "__main__":
    unittest.main()
