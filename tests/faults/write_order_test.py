"""What a power cut may not undo: the order in which things reach the disk.

After a kill, all that was written is there. After a power cut it is there only if it had been synced: the bytes of
a file by an fsync of the file, names by an fsync of the folder. So the calls of whole runs are read here, and each
has to come behind those which it relies on.
"""

import unittest

from faulty_disk import FaultTest, step_of


class Order:
    """Follows the calls, and knows what a power cut would undo at this point."""

    def __init__(self, test, durable_steps=(), folders=()):
        self.test = test
        self.durable_steps = set(durable_steps)
        self.folders = set(folders)  # which are there before the run
        self.unsynced_files = set()  # whose bytes may be lost
        self.unsynced_names = set()  # which may be missing, or stand for what they did before
        self.targets = {}  # of the links, by name: steps

    def check(self, calls):
        for call in calls:
            with self.test.subTest(call=str(call)):
                getattr(self, call.name)(call)
        self.test.assertEqual((self.unsynced_files, self.unsynced_names), (set(), set()), "at the end")

    def open(self, call):
        if call.detail == "create":
            self.unsynced_files.add(call.path)
            self.test.assertTrue(call.path.endswith(".tmp"), "a file is made under another name first")

    def write(self, call):
        self.unsynced_files.add(call.path)
        self.test.assertTrue(call.path.endswith((".tmp", "/metrics.jsonl")), "a file that has its name stays as it is")

    def fsync(self, call):
        self.unsynced_files.discard(call.path)
        synced = {path for path in self.unsynced_names if folder_of(path) == call.path}
        self.unsynced_names -= synced
        self.durable_steps |= {step_of(path) for path in synced} - {None}

    def rename(self, call):
        self.test.assertNotIn(call.path, self.unsynced_files, "a name is given to bytes that may be lost")
        self.unsynced_names.add(call.detail)
        if step_of(call.detail):
            self.test.assertEqual(self.unsynced_files, set(), "metrics.jsonl is durable before a checkpoint is")
        self.unsynced_names.discard(call.path)
        if call.path in self.targets:
            self.targets[call.detail] = self.targets.pop(call.path)

    def symlink(self, call):
        self.targets[call.path] = step_of(call.detail)
        self.test.assertIn(step_of(call.detail), self.durable_steps, "a link names a checkpoint that may be lost")

    def unlink(self, call):
        if step_of(call.path) in self.durable_steps and not call.path.endswith(".tmp"):
            newer = {step for step in self.durable_steps if step > step_of(call.path)}
            self.test.assertTrue(newer, "a checkpoint goes before a newer one is durable")
            self.test.assertEqual(self.unsynced_names, set(), "a checkpoint goes while a link may still name it")
            self.test.assertNotIn(step_of(call.path), self.targets.values(), "a checkpoint goes that a link names")
            self.durable_steps.remove(step_of(call.path))

    def mkdir(self, call):
        self.unsynced_names |= {call.path} - self.folders

    def truncate(self, call):
        self.write(call)

    def read(self, call):
        """Changes nothing."""

    def close(self, call):
        self.test.assertFalse(call.path.endswith(".tmp") and call.path in self.unsynced_files, "closed without a sync")


class WriteOrderTest(FaultTest):
    def check(self, arguments, content=None, durable_steps=()):
        """Returns the run, whose end is in order."""
        run, calls = self.undisturbed("later" if content else "first", arguments, content)
        order = Order(self, durable_steps, ["run"] if content else [])
        order.check(calls)
        self.assertEqual(order.durable_steps, set(run.steps()))
        return run

    def test_a_run(self):
        self.assertEqual(self.check(self.train_arguments()).steps(), [2, 4, 6])

    def test_a_run_in_the_first_free_folder(self):
        """The folder's name and that of the folder it is in are on the disk before any checkpoint is said to be."""
        arguments = self.train_arguments(name="small")
        box = self.box("free")
        output, calls = self.in_box(box, arguments[: arguments.index("--out")])
        self.assertEqual((output.exit_code, output.err), (0, ""))
        order = Order(self)
        order.check(calls)
        self.assertEqual(order.durable_steps, {2, 4, 6})
        made = [call.path for call in calls if call.name == "mkdir"]
        first_file = next(number for number, call in enumerate(calls) if call.name == "rename")
        synced = [call.path for call in calls[:first_file] if call.name == "fsync"]
        self.assertEqual(made, ["runs", "runs/small-1"])
        for path in made:
            self.assertIn(folder_of(path), synced)

    def test_a_run_that_removes_older_checkpoints(self):
        settings = {"checkpoint_every": 1, "eval_every": 1, "log_every": 1, "keep_checkpoints": 1}
        self.assertLess(len(self.check(self.train_arguments(**settings)).steps()), 3)

    def test_a_resume(self):
        run = self.check(self.train_arguments(num_steps=4))
        run = self.check(["--resume", "run", "--set", "num_steps=8"], run.folder.parent, run.steps())
        self.assertEqual(run.steps(), [2, 4, 6, 8])

    def test_a_run_that_replaces_another(self):
        """The former checkpoints may go at once: that is what was asked for."""
        run = self.check(self.train_arguments("former", num_steps=9))
        self.check([*self.train_arguments(), "--overwrite"], run.folder.parent)


def folder_of(path):
    return path.rpartition("/")[0] or "."


if __name__ == "__main__":
    unittest.main()
