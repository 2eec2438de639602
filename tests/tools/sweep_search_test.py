"""What tools/sweep.py searches and finds: samplers, ranges, seeds, the measure, best.cfg and trials.csv."""

import statistics
import subprocess
import sys
import unittest

from sweep_support import NAMES, PROGRAM, ROOT, Sweep, SweepTest, config_of, metrics, val_losses

sys.path.append(str(ROOT / "tools"))

from microgpt_tools.sweep.options import read_definition  # noqa: E402
from microgpt_tools.sweep.search import Search  # noqa: E402
from microgpt_tools.sweep.study import open_study  # noqa: E402


class SearchTest(SweepTest):
    def test_the_default_search_ends_with_a_config_that_repeats_the_best_trial(self):
        done = self.succeed("--param", "learning_rate=log:1e-3:3e-2", "--param", "n_embd=8,16", "--trials", 8)
        sweep = Sweep(self.folder / "sweeps" / "tiny")
        finished = sweep.trials("COMPLETE", "PRUNED")
        self.assertEqual(len(finished), 8)
        best = min(sweep.trials("COMPLETE"), key=lambda trial: trial.value)
        self.assertIn(f"best: trial {best.number}, val_loss {best.value:.4f}", done.stdout)
        self.assertEqual(len([line for line in done.stdout.splitlines() if line.startswith("trial ")]), 8)

        header = (sweep.folder / "best.cfg").read_text().splitlines()[:2]
        self.assertIn(f"number {best.number}", header[0])
        self.assertIn(f"{best.value:.4f}", header[1])
        subprocess.run(
            [PROGRAM, "--config", sweep.folder / "best.cfg", "--out", self.folder / "again", "--quiet"],
            cwd="/",
            check=True,
        )
        self.assertEqual(min(val_losses(self.folder / "again")), best.value)
        self.assertEqual(sweep.best()["learning_rate"], best.params["learning_rate"])

    def test_the_table_tells_what_the_study_knows(self):
        self.succeed("--param", "learning_rate=log:1e-3:3e-2", "--trials", 7)
        sweep = Sweep(self.folder / "sweeps" / "tiny")
        rows = sweep.table()
        for row, trial in zip(rows, sweep.trials(), strict=True):
            self.assertEqual(int(row["number"]), trial.number)
            self.assertEqual(row["state"], trial.state.name.lower())
            self.assertEqual(float(row["value"]), trial.value)
            self.assertEqual(float(row["learning_rate"]), trial.params["learning_rate"])
            self.assertEqual(row["run_folders"], f"trials/trial-{trial.number:05}/seed-42")
            self.assertEqual(
                config_of(sweep.folder / row["run_folders"])["learning_rate"], trial.params["learning_rate"]
            )
            self.assertEqual((row["error"], row["std"]), ("", ""))

    def test_a_grid_tries_each_combination_once_and_ends(self):
        self.succeed(
            *("--param", "n_embd=8,16", "--param", "n_head=int:2:4:2", "--param", "activation=relu,gelu"),
            *("--param", "batch_size=1,2,3", "--sampler", "grid"),
        )
        sweep = Sweep(self.folder / "sweeps" / "tiny")
        tried = [
            tuple(trial.params[key] for key in ("n_embd", "n_head", "activation", "batch_size"))
            for trial in sweep.trials()
        ]
        self.assertEqual(
            sorted(tried),
            sorted(
                (a, b, c, d) for a in (8, 16) for b in (2, 4) for c in ("relu", "gelu") for d in (1, 2, 3)
            ),
        )

    def test_trials_cap_a_grid(self):
        self.succeed("--param", "n_embd=8,16,24,32", "--sampler", "grid", "--trials", 2)
        self.succeed("--param", "n_embd=8,16,24,32", "--sampler", "grid", "--trials", 3)
        values = [trial.params["n_embd"] for trial in Sweep(self.folder / "sweeps" / "tiny").trials()]
        self.assertEqual(len(set(values)), 3)

    def test_random_search_stays_in_its_ranges_and_depends_on_its_seed_alone(self):
        ranges = ["--param", "learning_rate=log:1e-3:3e-2", "--param", "weight_decay=float:0.1:0.2"]
        ranges += ["--param", "batch_size=int:2:8:3", "--param", "block_size=intlog:4:9"]

        def search(out, *options):
            self.succeed(
                *ranges, "--sampler", "random", "--trials", 6, "--out", out, "--pruner", "none", *options
            )
            return [trial.params for trial in Sweep(self.folder / out).trials()]

        found = search("one", "--jobs", 1)
        self.assertEqual(found, search("two", "--jobs", 2))
        self.assertNotEqual(found, search("three", "--seed", 1))
        self.assertEqual(len({params["learning_rate"] for params in found}), 6)
        for params in found:
            self.assertTrue(1e-3 <= params["learning_rate"] <= 3e-2, params)
            self.assertTrue(0.1 <= params["weight_decay"] <= 0.2, params)
            self.assertIn(params["batch_size"], (2, 5, 8))
            self.assertIn(params["block_size"], range(4, 10))

    def test_seeds_are_averaged(self):
        self.succeed(
            "--param", "n_embd=8,16", "--sampler", "grid", "--seeds", 3, "--set", "seed=7", "--pruner", "none"
        )
        sweep = Sweep(self.folder / "sweeps" / "tiny")
        for trial in sweep.trials("COMPLETE"):
            runs = [sweep.run_folder(trial, place) for place in range(3)]
            self.assertEqual([config_of(run)["seed"] for run in runs], [7, 8, 9])
            values = [min(val_losses(run)) for run in runs]
            self.assertEqual(len(set(values)), 3)
            self.assertAlmostEqual(trial.value, statistics.fmean(values), 12)
            self.assertAlmostEqual(trial.user_attrs["std"], statistics.stdev(values), 12)
            self.assertEqual(trial.user_attrs["seeds"], [7, 8, 9])
        row = sweep.table()[0]
        self.assertEqual((row["seeds"], float(row["std"])), ("7 8 9", sweep.trials()[0].user_attrs["std"]))
        self.assertEqual(sweep.best()["seed"], 7)

    def test_the_objective_is_the_best_or_the_final_val_loss(self):
        # Steps grow until they undo what was learned.
        rising = (
            *("--set", "num_steps=300", "--set", "eval_every=20", "--pruner", "none"),
            *("--set", "learning_rate=0.3", "--set", "lr_schedule=constant", "--set", "warmup_steps=300"),
        )
        for objective, pick in (("best", min), ("final", lambda values: values[-1])):
            self.succeed(
                *("--param", "n_embd=16,32", "--sampler", "grid", *rising),
                *("--objective", objective, "--out", objective),
            )
            sweep = Sweep(self.folder / objective)
            for trial in sweep.trials():
                values = val_losses(sweep.run_folder(trial))
                self.assertEqual(trial.value, pick(values))
                self.assertGreater(values[-1], min(values) + 0.1)
        first, second = (Sweep(self.folder / name).trials() for name in ("best", "final"))
        self.assertNotEqual(sorted(trial.value for trial in first), sorted(trial.value for trial in second))

    def test_without_held_out_documents_the_last_losses_count(self):
        self.succeed("--param", "n_embd=8,16", "--sampler", "grid", "--set", "validation_fraction=0")
        sweep = Sweep(self.folder / "sweeps" / "tiny")
        for trial in sweep.trials("COMPLETE"):
            losses = [line["loss"] for line in metrics(sweep.run_folder(trial))]
            self.assertAlmostEqual(trial.value, statistics.fmean(losses[-4:]), 12)
        self.assertEqual(len(sweep.trials()), 2)

    def test_a_budget_of_documents_sets_the_steps(self):
        self.succeed("--param", "batch_size=3,7,8", "--sampler", "grid", "--documents", 100)
        sweep = Sweep(self.folder / "sweeps" / "tiny")
        steps = {trial.params["batch_size"]: config_of(sweep.run_folder(trial)) for trial in sweep.trials()}
        self.assertEqual({size: config["num_steps"] for size, config in steps.items()}, {3: 34, 7: 15, 8: 13})
        self.assertEqual({size: config["eval_every"] for size, config in steps.items()}, {3: 4, 7: 2, 8: 2})
        self.assertEqual(sweep.best()["num_steps"], -(-100 // sweep.best()["batch_size"]))

    def test_jobs_and_threads_share_the_cores(self):
        self.succeed("--param", "n_embd=8,16", "--sampler", "grid", "--jobs", 1000)
        description = Sweep(self.folder / "sweeps" / "tiny").description()
        self.assertEqual((description["jobs"], description["threads"]), (1000, 1))
        self.succeed("--param", "n_embd=8,16", "--sampler", "grid", "--threads", 3)
        description = Sweep(self.folder / "sweeps" / "tiny").description()
        self.assertEqual(description["threads"], 3)
        self.assertGreaterEqual(description["jobs"], 1)


class RaceTest(SweepTest):
    def test_of_two_machines_that_ask_for_the_last_trial_one_gives_way(self):
        arguments = ["--param", "n_embd=8,16,24", "--trials", "2", "--sampler", "random", "--out"]
        definition = read_definition(["--config", str(self.config), *arguments, str(self.folder / "race")])
        definition.folder.mkdir()
        study, storage = open_study(definition)
        search = Search(definition, study, storage)
        self.assertIsNotNone(search.ask())
        asked = study.ask

        def ask_just_after_another(distributions):
            other, _ = open_study(definition)
            other.ask(distributions)
            return asked(distributions)

        study.ask = ask_just_after_another
        self.assertIsNone(search.ask())
        states = [trial.state.name for trial in search.trials()]
        self.assertEqual(states, ["RUNNING", "RUNNING", "FAIL", "WAITING"])


class FileTest(SweepTest):
    def test_a_file_says_the_same_as_flags(self):
        self.write(
            "plans/mine.yml",
            "config: ../tiny.cfg\nout: ../found\nparams: {n_embd: [8, 16], n_head: '1,2'}\n"
            "set: {warmup_steps: 3, dataset: ../names.txt, zero_init_residual: false}\n"
            "sampler: grid\npruner: none\n",
        )
        self.succeed("plans/mine.yml")
        sweep = Sweep(self.folder / "found")
        self.assertEqual(
            sorted((trial.params["n_embd"], trial.params["n_head"]) for trial in sweep.trials()),
            [(8, 1), (8, 2), (16, 1), (16, 2)],
        )
        config = config_of(sweep.run_folder(sweep.trials()[0]))
        self.assertEqual((config["warmup_steps"], config["zero_init_residual"]), (3, False))
        self.assertEqual(config["dataset"], str(self.names))

        self.succeed(
            "plans/mine.yml",
            "--out",
            "other",
            "--param",
            "n_embd=8,24",
            "--trials",
            2,
            "--set",
            "warmup_steps=5",
        )
        other = Sweep(self.folder / "other")
        self.assertEqual(len(other.trials()), 2)
        self.assertLessEqual({trial.params["n_embd"] for trial in other.trials()}, {8, 24})
        self.assertEqual(config_of(other.run_folder(other.trials()[0]))["warmup_steps"], 5)

    def test_the_folder_describes_itself_so_that_the_sweep_can_go_on_from_there(self):
        self.succeed(
            "--param",
            "n_embd=8,16,24",
            "--sampler",
            "random",
            "--trials",
            2,
            "--set",
            f"dataset={self.names}",
        )
        sweep = Sweep(self.folder / "sweeps" / "tiny")
        description = sweep.description()
        self.assertEqual((description["storage"], description["study"]), ("sqlite:///study.db", "tiny"))
        self.succeed(sweep.folder / "sweep.yml", "--trials", 4, cwd="/")
        self.assertEqual(len(sweep.trials("COMPLETE", "PRUNED")), 4)

    def test_the_shipped_example(self):
        self.succeed(ROOT / "configs" / "sweep.yml", "--trials", 2, "--documents", 200)
        sweep = Sweep(self.folder / "sweeps" / "small")
        self.assertEqual(len(sweep.trials("COMPLETE", "PRUNED")), 2)
        self.assertEqual(sweep.best()["dataset"], str(NAMES))


if __name__ == "__main__":
    unittest.main()
