"""plot.py SWEEP_DIR: the pictures of a sweep's study, which is only ever read."""

import contextlib
import os
import sqlite3
import unittest

import optuna
import sqlalchemy
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from plot_support import PlotTest, texts
from postgresql_server import PostgreSQLServer
from program import snapshot

from microgpt_tools.errors import UserError
from microgpt_tools.plot.sweep_figure import objective_limits
from microgpt_tools.plot.sweep_study import Parameter, loss_text, read_sweep, run_folders

SPACE = {
    "learning_rate": FloatDistribution(1e-3, 1e-1, log=True),
    "n_embd": CategoricalDistribution((16, 64, 32)),
    "batch_size": IntDistribution(4, 32),
}

optuna.logging.set_verbosity(optuna.logging.ERROR)


def trial(value, state=TrialState.COMPLETE, space=SPACE, attributes=None, **params):
    return create_trial(
        state=state, value=value, params=params, distributions={name: space[name] for name in params},
        user_attrs=attributes or {},
    )  # fmt: skip


def some_trials():
    """Twelve complete, one pruned, one failed; the fifth complete one is the best."""
    trials = []
    for number in range(12):
        params = {"learning_rate": 10 ** (-3 + number / 6), "n_embd": (16, 32, 64)[number % 3],
                  "batch_size": 4 + number * 2}  # fmt: skip
        trials.append(trial(2.5 + 0.01 * abs(number - 4) + 0.001 * (number % 3), **params))
    params = {"learning_rate": 0.01, "n_embd": 16, "batch_size": 8}
    trials.insert(3, trial(2.7, TrialState.PRUNED, **params))
    trials.insert(6, trial(None, TrialState.FAIL, attributes={"error": "loss is not finite"}, **params))
    return trials


class SweepTest(PlotTest):
    def sweep(self, trials, name="sweep", study="names", definition=""):
        """A sweep's folder as sweep.py leaves it."""
        folder = self.folder / name
        folder.mkdir()
        self.add_trials(f"sqlite:///{folder}/study.db", study, trials)
        self.write(f"{name}/sweep.yml", f"storage: sqlite:///study.db\nstudy: {study}\n{definition}")
        return folder

    def add_trials(self, url, study, trials):
        storage = optuna.storages.RDBStorage(url)
        if url.startswith("sqlite:"):
            # Nothing has to survive a power failure here.
            sqlalchemy.event.listen(
                storage.engine,
                "connect",
                lambda connection, _: connection.execute("pragma synchronous = off"),
            )
            storage.engine.dispose()
        study = optuna.create_study(storage=storage, study_name=study, direction="minimize")
        study.add_trials(trials)
        storage.remove_session()
        storage.engine.dispose()


class DataTest(SweepTest):
    def test_what_a_study_tells(self):
        sweep = read_sweep(self.sweep(some_trials(), definition="objective: best\n"))
        self.assertEqual(sweep.objective, "best val_loss")
        self.assertEqual(sweep.summary(), "12 complete, 1 pruned, 1 failed")
        self.assertEqual(sweep.ranked()[0].number, 5)
        self.assertEqual([number for number, _ in sweep.best_so_far()], [0, 1, 2, 4, 5])
        self.assertEqual(
            sweep.parameters(),
            [
                Parameter("batch_size", False, None, 4, 26),
                Parameter("learning_rate", True, None, 1e-3, 10 ** (-3 + 11 / 6)),
                Parameter("n_embd", False, [16, 32, 64], 0, 0),
            ],
        )

    def test_attempts_that_were_made_again_are_no_failures(self):
        params = {"learning_rate": 0.01, "n_embd": 16, "batch_size": 8}
        again = [
            trial(None, TrialState.FAIL, attributes={"failure": why}, **params)
            for why in ("interrupted", "killed", "lost", "duplicate")
        ]
        failed = [trial(None, TrialState.FAIL, attributes={"failure": why}, **params) for why in ("failed", "refused")]
        sweep = read_sweep(self.sweep([*some_trials(), *again, *failed]))
        self.assertEqual(sweep.summary(), "12 complete, 1 pruned, 3 failed")

    def test_losses_far_away_stay_short(self):
        self.assertEqual([loss_text(2.51279), loss_text(2.5, 3), loss_text(5.2e12)], ["2.5128", "2.500", "5.2e+12"])

    def test_importances(self):
        sweep = read_sweep(self.sweep(some_trials()))
        importances, reason = sweep.importances()
        self.assertEqual(reason, "")
        self.assertEqual(set(importances), set(SPACE))
        self.assertAlmostEqual(sum(importances.values()), 1)
        self.assertEqual(sweep.importances()[0], importances)

    def test_where_a_value_lies(self):
        self.assertEqual(Parameter("x", False, None, 2, 6).fraction(3), 0.25)
        self.assertAlmostEqual(Parameter("x", True, None, 0.01, 100).fraction(0.1), 0.25)
        self.assertEqual(Parameter("x", False, ["a", "b", "c"], 0, 0).fraction("c"), 1)
        self.assertEqual(Parameter("x", False, None, 2, 2).fraction(2), 0.5)

    def test_outliers_do_not_squash_the_rest(self):
        trials = some_trials() + [trial(90.0, learning_rate=0.1, n_embd=16, batch_size=4)]
        low, high = objective_limits(read_sweep(self.sweep(trials)))
        self.assertLess(high, 3)
        self.assertLess(low, 2.5)

    def test_the_run_folders_that_are_there(self):
        names = ["trials/trial-00000/seed-42", "trials/gone"]
        elsewhere = {"run_folders": ["trials/there"], "sweep_folder": str(self.folder / "other")}
        folder = self.sweep(
            [trial(2.5, attributes={"run_folders": names}), trial(2.6, attributes=elsewhere), trial(2.7)]
        )
        (folder / names[0]).mkdir(parents=True)
        (self.folder / "other/trials/there").mkdir(parents=True)
        sweep = read_sweep(folder)
        found = [run_folders(sweep, each) for each in sweep.trials]
        self.assertEqual(found, [[folder / names[0]], [self.folder / "other/trials/there"], []])

    def test_a_sweep_without_val_loss(self):
        run = self.training("run", validation_fraction=0)
        folder = self.sweep(
            [trial(2.5, attributes={"run_folders": [str(run)]})], definition="objective: best\n"
        )
        self.assertEqual(read_sweep(folder).objective, "mean of the last losses")


class PictureTest(SweepTest):
    def assert_pictures(self, folder, *words, absent=()):
        png, svg = self.plotted(folder)
        self.assertEqual((png, svg), (folder / "sweep.png", folder / "sweep.svg"))
        self.assert_is_picture(png)
        found = "\n".join(texts(svg))
        for word in words:
            self.assertIn(word, found)
        for word in absent:
            self.assertNotIn(word, found)
        return svg

    def test_a_sweep(self):
        svg = self.assert_pictures(
            self.sweep(some_trials(), definition="objective: final\n"),
            "sweep: 12 complete, 1 pruned, 1 failed; best is trial 5, final val_loss 2.5010",
            "final val_loss (nats)", "Importance", "Progress", "Parallel coordinates", "learning_rate (log)",
            "pruned trial", "failed trial", "batch_size", "64", absent=["no importances"],
        )  # fmt: skip
        first = svg.read_bytes()
        self.plotted(svg.parent)
        self.assertEqual(svg.read_bytes(), first)

    def test_one_trial(self):
        self.assert_pictures(self.sweep([trial(2.5, learning_rate=0.01)]), "too few complete trials",
                             "learning_rate", absent=["pruned", "failed"])  # fmt: skip

    def test_one_parameter(self):
        trials = [trial(2.5 + 0.1 * number, n_embd=(16, 32)[number % 2]) for number in range(6)]
        self.assert_pictures(self.sweep(trials), "n_embd", "1.00")

    def test_no_parameter(self):
        self.assert_pictures(self.sweep([trial(2.5 + number) for number in range(5)]), "no importances",
                             "no parameters that all trials have")  # fmt: skip

    def test_an_objective_that_is_always_the_same(self):
        trials = [trial(2.5, batch_size=number + 4) for number in range(6)]
        self.assert_pictures(self.sweep(trials), "the objective is the same in all trials")

    def test_a_parameter_that_not_all_trials_have(self):
        trials = some_trials() + [trial(2.4, learning_rate=0.01)]
        self.assert_pictures(self.sweep(trials), "best is trial 14", "n_embd")

    def test_many_parameters_of_odd_names_and_values(self):
        space = {f"<parameter> ${number}$ {'x' * 30}": CategoricalDistribution((None, True, "a&b", 2.5, 7))
                 for number in range(9)}  # fmt: skip
        choices = (None, True, "a&b", 2.5, 7)
        trials = [
            trial(2.5 + 0.1 * number, space=space,
                  **{name: choices[(number + index) % 5] for index, name in enumerate(space)})
            for number in range(8)
        ]  # fmt: skip
        self.assert_pictures(self.sweep(trials), "a&b", "<parameter>")

    def test_trials_that_run(self):
        folder = self.sweep(some_trials())
        study = optuna.load_study(study_name="names", storage=f"sqlite:///{folder}/study.db")
        study.ask(SPACE)
        self.assert_pictures(folder, "1 running")

    def test_only_a_sweep_asks_for_optuna(self):
        # As far as plot.py of a run goes, optuna need not be installed.
        self.training("run", num_steps=3)
        blocked = self.write("blocked/optuna.py", "raise ImportError('not here')")
        environment = os.environ | {"PYTHONPATH": str(blocked.parent)}
        self.plotted("run", "--html", "page.html", "--out", "x", env=environment)


class StorageTest(SweepTest):
    def assert_unchanged_by_plotting(self, folder):
        before = snapshot(folder)
        self.plotted(folder, "--out", "picture")
        self.assertEqual(snapshot(folder), before)

    def test_a_study_is_only_read(self):
        self.assert_unchanged_by_plotting(self.sweep(some_trials()))

    def test_with_a_write_ahead_log(self):
        folder = self.sweep(some_trials())
        with contextlib.closing(sqlite3.connect(folder / "study.db")) as connection:
            connection.execute("pragma journal_mode=wal")
        self.assert_unchanged_by_plotting(folder)

    def test_while_it_is_written(self):
        for mode in ("delete", "wal"):
            with self.subTest(mode=mode):
                folder = self.sweep(some_trials(), name=mode)
                with contextlib.closing(sqlite3.connect(folder / "study.db", isolation_level=None)) as writer:
                    writer.execute(f"pragma journal_mode={mode}")
                    writer.execute("begin immediate")
                    writer.execute("insert into study_user_attributes values (77, 1, 'written', '1')")
                    self.plotted(folder, "--out", "picture")
                    writer.execute("commit")
                    self.plotted(folder, "--out", "picture")

    def test_what_a_log_holds_is_read(self):
        folder = self.sweep(some_trials())
        with contextlib.closing(sqlite3.connect(folder / "study.db", isolation_level=None)) as writer:
            writer.execute("pragma journal_mode=wal")
            writer.execute("update trial_values set value = 1.25 where trial_id = 1")
            self.assertEqual(read_sweep(folder).ranked()[0].value, 1.25)

    def test_refusals(self):
        good = self.sweep(some_trials())
        self.sweep([trial(None, TrialState.FAIL)] * 3, name="failed")
        self.sweep([], name="none")
        two = self.sweep([], name="two")
        optuna.create_study(
            storage=f"sqlite:///{two}/study.db", study_name="both", directions=["minimize"] * 2
        )
        self.write("two/sweep.yml", "storage: sqlite:///study.db\nstudy: both\n")
        for name, text in (
            ("no-file", "storage: sqlite:///study.db\nstudy: names\n"),
            ("no-study", f"storage: sqlite:///{good}/study.db\nstudy: gone\n"),
            ("no-key", "study: names\n"),
            ("no-url", "storage: nonsense\nstudy: names\n"),
            ("no-yaml", "a: [\n"),
            ("no-mapping", "- a\n"),
            ("no-driver", "storage: nothing://localhost/x\nstudy: names\n"),
            ("no-tables", "storage: sqlite:///empty.db\nstudy: names\n"),
            ("no-database", "storage: sqlite:///sweep.yml\nstudy: names\n"),
            ("no-server", "storage: postgresql://me:secret@127.0.0.1:1/x\nstudy: names\n"),
        ):
            self.write(f"{name}/sweep.yml", text)
        self.write("no-tables/empty.db", b"")
        before = snapshot(self.folder)
        for name, words in (
            ("failed", ["no trial is complete yet", "3 failed"]),
            ("none", ["no trial is complete yet", "none at all"]),
            ("two", ["does not minimise one loss"]),
            ("no-file", ["study.db", "no such file"]),
            ("no-study", ["study.db", "no study called gone"]),
            ("no-key", ["sweep.yml", "no storage"]),
            ("no-url", ["sweep.yml", "not the URL"]),
            ("no-yaml", ["sweep.yml:2: not YAML"]),
            ("no-mapping", ["sweep.yml", "no storage"]),
            ("no-driver", ["nothing://localhost/x"]),
            ("no-tables", ["no study called names"]),
            ("no-database", ["sweep.yml", "not a database"]),
            ("no-server", ["postgresql://", "127.0.0.1"]),
        ):
            with self.subTest(name=name):
                with self.assertRaises(UserError) as refusal:
                    read_sweep(self.folder / name)
                for word in words:
                    self.assertIn(word, str(refusal.exception))
                self.assertNotIn("\n", str(refusal.exception))
                self.assertNotIn("secret", str(refusal.exception))
        self.assert_refused(self.plot("failed"), "failed: no trial is complete yet")
        self.assert_refused(self.plot(good, good / "x"), "is a sweep", "alone")
        for option, value in (("--by", "step"), ("--smooth", 9)):
            self.assert_refused(self.plot(good, option, value), f"{option} {value}", "--html")
        self.assertEqual(snapshot(self.folder), before)


class PostgreSQLTest(SweepTest):
    """A study in a real server, of which plot.py is told without the password."""

    def setUp(self):
        super().setUp()
        self.server = PostgreSQLServer(self)

    def test_a_study_that_machines_share(self):
        self.add_trials(self.server.url(self.server.PASSWORD), "shared", some_trials())
        self.write("sweep/sweep.yml", f"storage: {self.server.url()}\nstudy: shared\n")
        environment = {key: value for key, value in os.environ.items() if key != "PGPASSWORD"}
        known = environment | {"PGPASSWORD": self.server.PASSWORD}
        _, svg = self.plotted("sweep", env=known)
        self.assertIn("12 complete", " ".join(texts(svg)))
        self.assert_refused(self.plot("sweep", env=environment), "password")

        self.write("gone/sweep.yml", f"storage: {self.server.url()}\nstudy: gone\n")
        self.assert_refused(self.plot("gone", env=known), "no study called gone")

        # Where there is no study yet, none of Optuna's tables is made either.
        empty = self.server.url(database="template1")
        self.write("empty/sweep.yml", f"storage: {empty}\nstudy: shared\n")
        self.assert_refused(self.plot("empty", env=known), "read-only")


if __name__ == "__main__":
    unittest.main()
