"""The config: where it is found, what is in force, and that config.cfg tells all of it."""

import dataclasses
import shutil
import unittest

from program import CONFIGS, NAMES, PROGRAM, ProgramTest, read_config, read_settings

import microgpt_numpy as reference

KEYS = {key.name for key in dataclasses.fields(reference.Config)}
SETTINGS = {"dataset": "names.txt", "num_steps": 4, "batch_size": 2}


class ConfigTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.write("names.txt", "\n".join(names[::1000]))
        self.write_config("small.cfg", **SETTINGS)

class LookupTest(ConfigTest):
    """--config: as given, in configs/ of the current folder, with the installed program."""

    def test_configs_of_the_current_folder(self):
        config = self.write_config("configs/here.cfg", **SETTINGS | {"dataset": "../names.txt"})
        self.assertIn("run folder: runs/here-1", self.succeed("--config", "here.cfg").lines())
        shutil.copy(config, self.folder / "here.cfg")  # where ../names.txt is no file
        self.assert_one_error(self.microgpt("--config", "here.cfg"), 2, self.folder.parent / "names.txt")

    def test_only_bare_names_are_looked_up(self):
        self.write_config("configs/sub/here.cfg", **SETTINGS)
        self.assert_one_error(self.microgpt("--config", "sub/here.cfg"), 2, "sub/here.cfg")

    def test_installed_configs(self):
        for path, source in (("bin/microgpt", PROGRAM), ("share/microgpt/configs/shared.cfg", CONFIGS / "small.cfg")):
            (self.folder / path).parent.mkdir(parents=True)
            shutil.copy(source, self.folder / path)
        arguments = ["--config", "shared.cfg", "--set", "dataset=names.txt", "--print-config"]
        output = self.microgpt(*arguments, program=self.folder / "bin/microgpt")
        self.assertIn("shared.cfg", output.out)
        self.assertEqual((output.exit_code, output.err), (0, ""))

    def test_a_name_found_nowhere(self):
        self.assert_one_error(self.microgpt("--config", "no.cfg"), 2, "no.cfg", "configs/no.cfg", "share/microgpt")

    def test_paths_in_a_config_start_at_the_config_and_those_of_set_here(self):
        self.write("a/b.txt", "anna\n")
        self.write("c/b.txt", "bob\nbea\n")
        self.write_config("a/run.cfg", **SETTINGS | {"dataset": "b.txt"})
        documents = [
            self.succeed("--config", "../a/run.cfg", *options, cwd="c").lines("num docs")[0]
            for options in ([], ["--set", "dataset=b.txt"])
        ]
        self.assertEqual(documents, ["num docs: 1", "num docs: 2"])


class PrintTest(ConfigTest):
    def test_sources(self):
        output = self.succeed("--config", "small.cfg", "--set", "n_layer=2", "--set", "seed=7", "--print-config")
        sources = dict(line.split(":", 1) for line in output.lines())
        self.assertEqual(set(sources), KEYS - {"num_epochs"})
        self.assertRegex(sources["dataset"], rf"^ {self.folder}/names.txt +# small.cfg:1$")
        self.assertRegex(sources["num_steps"], "^ 4 +# small.cfg:2$")
        self.assertRegex(sources["n_layer"], "^ 2 +# --set$")
        self.assertRegex(sources["seed"], "^ 7 +# --set$")
        self.assertRegex(sources["n_embd"], "^ 16 +# default$")
        self.assertFalse((self.folder / "runs").exists())

    def test_reads_back(self):
        for options in ([], ["--set", "num_epochs=3"], ["--set", "batch_size=threads"]):
            printed = self.succeed("--config", "small.cfg", "--print-config", *options).out
            again = self.succeed("--config", self.write("again.cfg", printed), "--print-config").out
            self.assertEqual(read_settings(again), read_settings(printed))

    def test_of_a_resume(self):
        run = self.train("run", **SETTINGS)
        output = self.succeed("--resume", "run", "--set", "num_steps=9", "--print-config")
        self.assertEqual(read_settings(output.out), read_config(run) | {"num_steps": "9"})
        self.assertEqual(run.steps()[-1], 4)


class WrittenTest(ConfigTest):
    def test_every_key_is_written_and_explained(self):
        run = self.train("run", **SETTINGS)
        self.assertEqual(set(read_config(run)), KEYS - {"num_epochs"})
        for key in KEYS:
            self.assertRegex(self.succeed("train", "--help").out, rf"\n  {key} ")

    def test_epochs_stand_instead_of_steps(self):
        settings = {key: value for key, value in SETTINGS.items() if key != "num_steps"}
        run = self.train("run", **settings | {"num_epochs": 2})
        self.assertEqual(set(read_config(run)), KEYS - {"num_steps"})

    def test_gives_the_same_run(self):
        settings = {"init_std": 0.1 + 0.2, "eps_adam": 1e-7, "seed": 2**63 - 1, "batch_size": "threads",
                    "zero_init_residual": "false", "precision": "float64", "validation_fraction": 0.1}  # fmt: skip
        run = self.train("run", threads=2, **SETTINGS | settings)
        output = self.succeed("--config", "run/config.cfg", "--out", "again", cwd=".")
        self.assertEqual(output.results(), run.output.results())
        self.assert_same_bytes(self.folder / "again/latest.h5", run.checkpoint())

    def test_of_a_dataset_with_an_odd_name(self):
        for name in ("with space.txt", "#1: 'a' \"b\".txt", "ж😀.txt", "back\\slash.txt", "- {x}.txt"):
            with self.subTest(name):
                (self.folder / name).write_bytes((self.folder / "names.txt").read_bytes())
                self.succeed("--config", "small.cfg", "--set", f"dataset={name}", "--out", f"of {name}")
                self.succeed("--config", f"of {name}/config.cfg", "--out", f"again {name}")
                self.succeed("--resume", f"again {name}")
                self.assert_same_bytes(self.folder / f"again {name}/latest.h5", self.folder / f"of {name}/latest.h5")


if __name__ == "__main__":
    unittest.main()
