"""SIGKILL at random moments, and resumed until done: the run that nobody disturbed."""

import random
import time
import unittest

import h5py

from program import NAMES, ProgramTest, Run, snapshot

KILLS = 14
EVERY = 10  # steps between checkpoints
SETTINGS = {
    "num_steps": 160 * EVERY,
    "checkpoint_every": EVERY,
    "eval_every": 7 * EVERY,
    "validation_fraction": 0.1,
    "batch_size": 6,
    "n_layer": 2,
}


class KillTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.settings = SETTINGS | {"dataset": self.write("names.txt", "\n".join(names[::300]))}
        self.victim = Run(self.folder / "victim", None)

    def train_to_the_end(self, **settings):
        self.settings |= settings
        begun = time.monotonic()
        self.whole = self.train("whole", **self.settings)
        self.seconds_a_checkpoint = (time.monotonic() - begun) * EVERY / SETTINGS["num_steps"]

    def go_on(self):
        """The victim's process, on its way again."""
        if self.victim.steps():
            return self.start("--resume", "victim", "--quiet")
        config = self.write_config("victim.cfg", **self.settings)
        return self.start("--config", config, "--out", "victim", "--quiet")

    def newest_step(self):
        return max(self.victim.steps(), default=0)

    def kill_at_random(self, process, chance):
        """Anywhere between its first instruction and some checkpoints on; false where it was done before."""
        goal = self.newest_step() + chance.randrange(4) * EVERY
        self.wait_until(lambda: self.newest_step() >= goal or process.poll() is not None)
        time.sleep(chance.uniform(0, 3) * self.seconds_a_checkpoint)
        process.kill()
        return process.wait() < 0

    def kill_again_and_again(self, seed, look):
        chance = random.Random(seed)
        for _ in range(KILLS):
            steps = self.victim.steps()
            self.assertTrue(self.kill_at_random(self.go_on(), chance), "too fast to be killed so often")
            look(steps)

    def assert_undisturbed_in_the_end(self):
        self.victim = self.resume("victim")
        self.assert_same_run(self.victim, self.whole)
        self.assertEqual(self.victim.output.samples(), self.whole.output.samples())
        self.assertEqual(set(snapshot(self.victim.folder)), set(snapshot(self.whole.folder)))  # and no *.tmp

    def test_all_checkpoints_stay(self):
        self.train_to_the_end()

        def look(former_steps):
            steps = self.victim.steps()
            self.assertLessEqual(set(former_steps), set(steps))
            for step in steps:
                self.assert_same_bytes(self.victim.checkpoint(step), self.whole.checkpoint(step))

        self.kill_again_and_again(1, look)
        self.assert_undisturbed_in_the_end()
        look([])

    def test_the_newest_and_the_best_stay(self):
        self.train_to_the_end(keep_checkpoints=2)

        def look(former_steps):
            if former_steps:
                self.assertGreaterEqual(max(self.victim.steps()), max(former_steps))
            for path in self.victim.folder.glob("*.h5"):  # with both links
                with h5py.File(path) as file:
                    self.assertEqual(file.attrs["format"], "microgpt")

        self.kill_again_and_again(2, look)
        self.assert_undisturbed_in_the_end()


if __name__ == "__main__":
    unittest.main()
