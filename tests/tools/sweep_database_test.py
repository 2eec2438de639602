"""Several machines share one study in a real PostgreSQL; one of them dies."""

import unittest
from urllib.parse import quote

import optuna
from postgresql_server import PostgreSQLServer
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sweep_support import Sweep, SweepTest, kill_hard, metrics, trainings_below

SEARCH = ("--param", "learning_rate=log:1e-3:3e-2", "--sampler", "random", "--pruner", "none", "--jobs", "2")


class DatabaseTest(SweepTest):
    def setUp(self):
        super().setUp()
        self.server = PostgreSQLServer(self)
        self.password = self.server.PASSWORD

    def options(self, out):
        return ("--storage", self.server.url(self.password), "--out", out, "--heartbeat", "1")

    def trials(self, study="tiny"):
        study = optuna.load_study(study_name=study, storage=self.server.url(self.password))
        return study.trials

    def finished(self, **options):
        return [trial for trial in self.trials(**options) if trial.state.name in ("COMPLETE", "PRUNED")]

    def test_two_machines_and_one_dies(self):
        # So long that the first machine is not done before the second one begins.
        lengths = ("--set", "num_steps=200000", "--set", "checkpoint_every=2000", "--trials", 6)
        first = self.start(*SEARCH, *lengths, *self.options("one"))
        self.wait_until(lambda: list((self.folder / "one").glob("trials/*/*/latest.h5")), first)
        second = self.start(*SEARCH, *lengths, *self.options("two"))
        self.wait_until(lambda: len(list((self.folder / "two").glob("trials/*/*/latest.h5"))) >= 1, second)
        kill_hard(second)
        dead = [
            trial
            for trial in self.trials()
            if trial.state.name == "RUNNING"
            and trial.user_attrs.get("sweep_folder") == str(self.folder / "two")
            # Where both machines begin a last trial at the same time, one of them is too many.
            and trial.number < 6
        ]
        self.assertTrue(dead)
        code, _, err = self.end(first)
        self.assertEqual((code, err), (0, ""))

        finished = self.finished()
        self.assertEqual(len(finished), 6)
        rates = [trial.params["learning_rate"] for trial in finished]
        self.assertEqual(len(set(rates)), 6)
        for trial in dead:
            self.assertIn(trial.params["learning_rate"], rates)
        rows = Sweep(self.folder / "one").table()
        self.assertGreaterEqual([row["state"] for row in rows].count("lost"), len(dead))
        self.assertEqual({trial.state.name for trial in self.trials()}, {"COMPLETE", "FAIL"})
        again = next(trial for trial in finished if trial.params == dead[0].params)
        run = self.folder / "one" / again.user_attrs["run_folders"][0]
        self.assertEqual(metrics(run)[-1]["step"], 200000)

        # The dead machine comes back and sees that all is done.
        done = self.succeed(*SEARCH, *lengths, *self.options("two"))
        self.assertIn("best: ", done.stdout)
        self.assertEqual(len(self.finished()), 6)
        self.assertEqual(Sweep(self.folder / "one").best(), Sweep(self.folder / "two").best())
        self.assertEqual(trainings_below(self.folder / "two"), [])

    def test_two_machines_finish_so_many_trials_together_and_no_more(self):
        processes = [self.start(*SEARCH, "--trials", 14, *self.options(out)) for out in ("one", "two")]
        for process in processes:
            code, _, err = self.end(process)
            self.assertEqual((code, err), (0, ""))
        self.assertEqual(len(self.finished()), 14)

    def test_two_machines_share_a_grid(self):
        grid = (
            "--param",
            "n_embd=8,12,16,20,24,28",
            "--param",
            "n_head=1,2",
            "--sampler",
            "grid",
            "--jobs",
            3,
        )
        processes = [self.start(*grid, "--pruner", "none", *self.options(out)) for out in ("one", "two")]
        for process in processes:
            code, _, err = self.end(process)
            self.assertEqual((code, err), (0, ""))
        points = [(trial.params["n_embd"], trial.params["n_head"]) for trial in self.finished()]
        self.assertEqual(sorted(points), [(a, b) for a in (8, 12, 16, 20, 24, 28) for b in (1, 2)])

    def test_a_killed_machine_that_comes_back_goes_on_from_its_checkpoint(self):
        search = (*SEARCH, "--set", "num_steps=20000", "--set", "checkpoint_every=1000", "--trials", 2)
        process = self.start(*search, *self.options("one"))
        self.wait_until(lambda: len(list((self.folder / "one").glob("trials/*/*/latest.h5"))) == 2, process)
        kill_hard(process)
        running = [trial for trial in self.trials() if trial.state.name == "RUNNING"]
        self.succeed(*search, *self.options("one"))
        self.assertEqual(len(self.finished()), 2)
        for trial in running:
            again = next(other for other in self.finished() if other.params == trial.params)
            self.assertEqual(again.user_attrs["run_folders"], trial.user_attrs["run_folders"])

    def test_a_machine_says_that_it_lives(self):
        search = ("--set", "num_steps=50000000", "--trials", 1, *self.options("one"))
        process = self.start(*SEARCH, *search)
        engine = create_engine(self.server.url(self.password))
        self.addCleanup(engine.dispose)
        self.wait_until(lambda: list((self.folder / "one").glob("trials/*/*/config.cfg")), process)
        beats = set()

        def has_beaten_often():
            with engine.connect() as connection:
                beats.update(connection.execute(text("SELECT heartbeat FROM trial_heartbeats")).scalars())
            return len(beats) >= 4

        self.wait_until(has_beaten_often, process)
        process.terminate()
        self.assertEqual(self.end(process)[0], 143)

    def test_the_password_is_written_nowhere(self):
        done = self.succeed(*SEARCH, "--trials", 1, *self.options("one"))
        description = Sweep(self.folder / "one").description()
        self.assertEqual(
            make_url(description["storage"]), make_url(self.server.url()), "the URL, but for the password"
        )
        for secret in (self.password, quote(self.password)):
            self.assertNotIn(secret, done.stdout + done.stderr)
            for path in (self.folder / "one").rglob("*"):
                if path.is_file():
                    self.assertNotIn(secret.encode(), path.read_bytes(), path)
        # The file that it left is enough, with the password from the environment.
        self.succeed(
            Sweep(self.folder / "one").folder / "sweep.yml", "--trials", 2, PGPASSWORD=self.server.PASSWORD
        )
        self.assertEqual(len(self.finished()), 2)

    def test_refusals(self):
        wrong = self.server.url("wrong")
        done = self.sweep(*SEARCH, "--storage", wrong, "--out", "one")
        self.assert_refused(done, "postgresql://tester@", "password authentication failed")
        done = self.sweep(*SEARCH, "--storage", "postgresql://me:secret@127.0.0.1:1/x", "--out", "two")
        self.assert_refused(done, "postgresql://me@127.0.0.1:1/x", "refused")
        self.assertNotIn("secret", done.stderr)
        done = self.sweep(*SEARCH, "--storage", "mysql+nothing://me@127.0.0.1/x", "--out", "three")
        self.assert_refused(done, "mysql+nothing")

        self.succeed(*SEARCH, "--trials", 1, *self.options("four"))
        other = ("--param", "learning_rate=log:1e-3:2e-2", *self.options("five"))
        self.assert_refused(self.sweep(*other), "study 'tiny'", "learning_rate", "--study")
        self.succeed(*other, "--trials", 1, "--study", "mine", "--out", "six")
        self.assertEqual(len(self.finished(study="mine")), 1)

    def test_a_database_that_goes_away(self):
        search = (*SEARCH, "--set", "num_steps=20000", "--trials", 4, *self.options("one"))
        process = self.start(*search)
        self.wait_until(lambda: list((self.folder / "one").glob("trials/*/*/metrics.jsonl")), process)
        self.server.stop()
        self.server.start()
        code, _, err = self.end(process)
        if code == 0:  # pool_pre_ping got a new connection in time
            self.assertEqual(err, "")
        else:
            self.assertEqual(code, 1)
            self.assertRegex(err, r"\Asweep\.py: error: postgresql://tester@[^\n]+\n\Z")
        self.assertEqual(trainings_below(self.folder / "one"), [])
        self.succeed(*search)
        self.assertEqual(len(self.finished()), 4)


if __name__ == "__main__":
    unittest.main()
