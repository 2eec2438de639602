"""With one job at a time the trials of a sweep follow from its seed, however often it was stopped."""

import unittest

from sweep_support import Sweep, SweepTest

# More than the ten trials with which TPE begins at random.
TRIALS = 15


class RepeatTest(SweepTest):
    def search(self, out, *options, trials=TRIALS, exit_code=0):
        done = self.sweep(
            *("--param", "learning_rate=log:1e-4:3e-1", "--param", "n_embd=8,16", "--jobs", 1, "--out", out),
            *("--trials", trials, *options),
        )
        self.assertEqual(done.returncode, exit_code, done.stderr)
        trials = Sweep(self.folder / out).trials("COMPLETE", "PRUNED")
        return [(trial.state.name, trial.params, trial.value, trial.intermediate_values) for trial in trials]

    def program_that_stops_the_sweep_once(self, *rates):
        """In the middle of the training that has one of these learning rates."""
        refrain = "".join(
            f"""
            if [[ "$*" == *"learning_rate={rate!r} "* && ! -e {self.folder}/stopped-{number} ]]; then
                touch {self.folder}/stopped-{number}
                kill -TERM $PPID
                exec sleep 60
            fi
            """
            for number, rate in enumerate(rates)
        )
        return self.program_that(f'{refrain}\nexec "$MICROGPT_REAL" "$@"')

    def test_a_sweep_that_was_stopped_makes_the_same_trials(self):
        expected = self.search("whole")
        self.assertEqual({state for state, *_ in expected}, {"COMPLETE", "PRUNED"})
        rates = [expected[number][1]["learning_rate"] for number in (4, 13)]
        program = self.program_that_stops_the_sweep_once(*rates)
        for _ in rates:
            self.search("stopped", "--program", program, exit_code=143)
        found = self.search("stopped", "--program", program)
        self.assertEqual(len(Sweep(self.folder / "stopped").trials("FAIL")), 2)
        self.assertEqual(found, expected)

    def test_so_does_one_that_was_asked_for_more_trials(self):
        expected = self.search("whole", "--sampler", "random", trials=6)
        for trials in (2, 3, 6):
            found = self.search("more", "--sampler", "random", trials=trials)
            self.assertEqual(found, expected[:trials])

    def test_a_proposal_that_a_kill_cut_short_is_made_again(self):
        expected = self.search("whole", trials=4)
        self.search("killed", trials=2)
        Sweep(self.folder / "killed").study().ask()  # no value is chosen yet
        self.assertEqual(self.search("killed", trials=4), expected)


if __name__ == "__main__":
    unittest.main()
