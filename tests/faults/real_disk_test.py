"""Disks and folders that are really full, gone or closed to the user, without any shim."""

import errno
import os
import pwd
import shutil
import sys
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "cli"))
from program import NAMES, PROGRAM, ProgramTest, Run, changes, command, snapshot  # noqa: E402

SETTINGS = {"num_steps": 300, "batch_size": 2, "checkpoint_every": 10}
NO_MOUNT = 77

# In a mount namespace of its own, so that the disk goes with the process whatever happens.
ON_A_SMALL_DISK = f"""
mount -t tmpfs -o size=1m tmpfs disk 2>/dev/null || exit {NO_MOUNT}
"$@"
status=$?
cp -a disk/. copy
exit $status
"""


class RealDiskTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.settings = SETTINGS | {"dataset": self.write("names.txt", "\n".join(names[::500]))}

    def test_a_disk_that_fills_up(self):
        """1 MiB has room for the first checkpoints, and not for all."""
        whole = self.train("whole", **self.settings)
        (self.folder / "disk").mkdir()
        (self.folder / "copy").mkdir()
        namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh"]
        train = command("--config", "whole.cfg", "--out", "disk/run")
        if not shutil.which(namespace[0]):
            self.skipTest("unshare is not installed")
        output = self.microgpt(*namespace[1:], *train, program=namespace[0])
        if output.exit_code == NO_MOUNT or "unshare:" in output.err:
            self.skipTest("no file system may be mounted here")

        self.assert_one_error(output, 1, "disk/run/", os.strerror(errno.ENOSPC), "the newest checkpoint is")
        run = Run(self.folder / "copy/run", output)
        self.assertGreater(len(run.steps()), 5)
        self.assertEqual(run.steps(), whole.steps()[: len(run.steps())])
        self.assertIn(run.checkpoint().name, output.err)
        for step in run.steps():
            self.assert_same_bytes(run.checkpoint(step), whole.checkpoint(step))
        self.assertEqual([path.name for path in run.folder.glob("*.tmp")], [])
        self.assert_same_run(self.resume("copy/run"), whole)

    def test_a_run_whose_folder_is_removed(self):
        config = self.write_config("run.cfg", **self.settings | {"num_steps": 10**9})
        process = self.start("--config", config, "--out", "run", "--quiet")
        folder = self.folder / "run"
        self.wait_until((folder / "step-00000050.h5").exists)

        def is_removed():
            shutil.rmtree(folder, ignore_errors=True)  # what is made meanwhile may keep it there
            return not folder.exists()

        self.wait_until(is_removed)
        _, err = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertRegex(err, rb"\Amicrogpt: error: run[^\n]+: No such file or directory[^\n]*\n\Z")
        self.assertFalse(folder.exists())


class ClosedFolderTest(ProgramTest):
    """Root may write anywhere: there, somebody else tries."""

    def setUp(self):
        super().setUp()
        self.user = {}
        self.program = PROGRAM
        if os.geteuid() == 0:
            try:
                self.user = {"user": pwd.getpwnam("nobody").pw_uid, "group": pwd.getpwnam("nobody").pw_gid}
            except KeyError:
                self.skipTest("root may write anywhere, and there is no user nobody")
            self.program = shutil.copy(PROGRAM, self.folder)  # which nobody may not be able to reach
        names = NAMES.read_text(encoding="utf-8").split()
        settings = SETTINGS | {"dataset": self.write("names.txt", "\n".join(names[::500]))}
        self.train("former", **settings)
        self.folder.chmod(0o755)
        self.assertEqual(self.as_other("--version").exit_code, 0)

    def as_other(self, *arguments, **options):
        groups = [] if self.user else None
        return self.microgpt(*arguments, program=self.program, extra_groups=groups, **self.user, **options)

    def refuse(self, *arguments, **options):
        """Before it trains, so that nobody waits for it in vain."""
        before = snapshot(self.folder)
        output = self.as_other(*arguments, **options)
        self.assert_one_error(output, 2, os.strerror(errno.EACCES))
        self.assertEqual(output.out, "")
        self.assertEqual(snapshot(self.folder), before)

    def close(self, folder, mode):
        folder.chmod(mode)
        self.addCleanup(folder.chmod, 0o755)

    def test_a_new_run(self):
        (self.folder / "closed").mkdir()
        self.close(self.folder / "closed", 0o555)
        for out in ("closed", "closed/run", "closed/a/b"):
            self.refuse("--config", "former.cfg", "--out", out)
        self.refuse("--config", "../former.cfg", cwd="closed")  # its folder would be runs/former-1 there

    def test_a_run_that_may_be_read(self):
        self.close(self.folder / "former", 0o555)
        self.refuse("--resume", "former", *changes(num_steps=400))
        self.refuse("--config", "former.cfg", "--out", "former", "--overwrite")
        self.assertEqual(self.as_other("info", "former").exit_code, 0)

    def test_a_run_that_may_not_be_looked_at(self):
        before = snapshot(self.folder)
        (self.folder / "former").chmod(0o000)
        self.addCleanup((self.folder / "former").chmod, 0o755)
        for arguments in (["--resume", "former"], ["info", "former"], ["--config", "former.cfg", "--out", "former"]):
            self.assert_one_error(self.as_other(*arguments), 2, "former", os.strerror(errno.EACCES))
        (self.folder / "former").chmod(0o755)
        self.assertEqual(snapshot(self.folder), before)

    def test_files_that_may_not_be_read(self):
        for arguments, closed in (
            (["--config", "former.cfg", "--out", "new"], "former.cfg"),
            (["--config", "former.cfg", "--out", "new"], "names.txt"),
            (["evaluate", "--checkpoint", "former", "--data", "names.txt"], "names.txt"),
            (["--resume", "former"], "former/step-00000300.h5"),
            (["info", "former/latest.h5"], "former/step-00000300.h5"),
        ):
            with self.subTest(arguments=arguments, closed=closed):
                (self.folder / closed).chmod(0o000)
                output = self.as_other(*arguments)
                (self.folder / closed).chmod(0o644)
                self.assert_one_error(output, 2, closed.rpartition("/")[2], os.strerror(errno.EACCES))
                self.assertFalse((self.folder / "new").exists())


if __name__ == "__main__":
    unittest.main()
