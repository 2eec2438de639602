"""SIGKILL at random moments, and resumed until done: the run that nobody disturbed."""

import random
import time
import unittest

import h5py

from program import NAMES, ProgramTest, Run, snapshot

KILLS = 14
EVERY = 5  # steps between checkpoints
SETTINGS = {
    "num_steps": 120 * EVERY,
    "checkpoint_every": EVERY,
    "eval_every": 7 * EVERY,
    "validation_fraction": 0.1,
    "batch_size": 6,
    "n_embd": 64,  # so that a checkpoint takes more than one write()
    "n_layer": 2,
}


class KillTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.settings = SETTINGS | {"dataset": self.write("names.txt", "\n".join(names[::300]))}
        self.victim = Run(self.folder / "victim", None)

    def train_undisturbed(self, **settings):
        self.settings |= settings
        begun = time.monotonic()
        self.whole = self.train("whole", **self.settings)
        self.seconds_a_checkpoint = (time.monotonic() - begun) * EVERY / SETTINGS["num_steps"]

    def newest_step(self):
        return max(self.victim.steps(), default=0)

    def go_on(self):
        """The victim's process, on its way again."""
        if self.newest_step():
            return self.start("--resume", "victim", "--quiet")
        config = self.write_config("victim.cfg", **self.settings)
        return self.start("--config", config, "--out", "victim", "--quiet")

    def kill_at_random(self, process, chance):
        """Anywhere between its first instruction and some checkpoints on; false where it was done before."""
        goal = self.newest_step() + chance.randrange(4) * EVERY
        self.wait_until(lambda: self.newest_step() >= goal or process.poll() is not None)
        time.sleep(chance.uniform(0, 2) * self.seconds_a_checkpoint)
        process.kill()
        return process.wait() < 0

    def kill_again_and_again(self, seed, look):
        chance = random.Random(seed)
        kills = 0
        while kills < KILLS:
            former_steps = self.victim.steps()
            kills += self.kill_at_random(self.go_on(), chance)
            look(former_steps)
            if self.newest_step() == SETTINGS["num_steps"]:  # so soon: all over again
                self.assert_undisturbed_in_the_end()
                self.victim.folder.rename(self.folder / f"done-with-{kills}")
        self.assert_undisturbed_in_the_end()

    def assert_undisturbed_in_the_end(self):
        done = self.resume("victim")
        self.assert_same_run(done, self.whole)
        self.assertEqual(done.output.samples(), self.whole.output.samples())
        self.assertEqual(set(snapshot(done.folder)), set(snapshot(self.whole.folder)))  # and no *.tmp

    def test_all_checkpoints_stay(self):
        self.train_undisturbed()

        def look(former_steps):
            steps = self.victim.steps()
            self.assertLessEqual(set(former_steps), set(steps))
            for step in steps:
                self.assert_same_bytes(self.victim.checkpoint(step), self.whole.checkpoint(step))

        self.kill_again_and_again(1, look)
        look([])

    def test_the_newest_and_the_best_stay(self):
        self.train_undisturbed(keep_checkpoints=2)

        def look(former_steps):
            if former_steps:
                self.assertGreaterEqual(max(self.victim.steps()), max(former_steps))
            for path in self.victim.folder.glob("*.h5"):  # with both links
                with h5py.File(path) as file:
                    self.assertEqual(file.attrs["format"], "microgpt")

        self.kill_again_and_again(2, look)

    def test_a_name_stands_for_a_whole_file(self):
        """From the moment at which it appears."""
        self.train_undisturbed()
        process = self.go_on()
        for step in self.whole.steps():
            path = self.victim.checkpoint(step)
            self.wait_until(lambda: path.exists() or process.poll() is not None, pause=0)
            self.assert_same_bytes(path, self.whole.checkpoint(step))

    def test_what_a_kill_leaves_is_cleared_away(self):
        """But nothing that may be the user's own."""
        run = self.train("run", **self.settings | {"num_steps": 2})
        before = set(snapshot(run.folder))
        for name in ("step-00000001.h5.tmp", "metrics.jsonl.tmp", "config.cfg.tmp", "latest.h5.tmp", "best.h5.tmp"):
            self.write(f"run/{name}", "cut o")
        for name in ("notes.tmp", "step-1.h5.tmp"):
            before.add(self.write(f"run/{name}", "to keep").name)
        self.resume("run")
        self.assertEqual(set(snapshot(run.folder)), before)


if __name__ == "__main__":
    unittest.main()
