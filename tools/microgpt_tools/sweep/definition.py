"""What a sweep is: its base config, what it searches, how, with what and where."""

import hashlib
import math
import socket
from dataclasses import dataclass
from pathlib import Path

from microgpt_tools.errors import UserError

# A training gets about so many evaluations, where the pruner needs them and the config leaves it open.
EVALUATIONS = 10


@dataclass(frozen=True)
class Definition:
    """A sweep. What its results follow from is its identity; the rest may change between two starts."""

    program: Path
    config: str  # the file that was given, as effective_config takes it
    overrides: dict  # key: text, fixed for all trials
    base: dict  # the effective config: config and overrides, every key
    parameters: tuple  # of Parameter
    documents: int  # how many each training sees, or None: what num_steps says
    trials: int  # how many are to finish, or None: the whole grid
    sampler: str
    seed: int  # the sampler's
    pruner: str
    objective: str
    seeds: int  # trainings, with different seeds, of each trial
    jobs: int
    threads: int
    storage: str  # a database's URL, or None: study.db in the folder
    study: str
    heartbeat: int
    folder: Path

    @property
    def measure(self):
        """What the search lowers: val_loss, or loss where nothing is held out."""
        return "val_loss" if self.base["validation_fraction"] > 0 else "loss"

    @property
    def prunes(self):
        return self.pruner != "none" and self.measure == "val_loss"

    @property
    def machine(self):
        return socket.gethostname()

    def distributions(self):
        return {parameter.name: parameter.distribution for parameter in self.parameters}

    def settings(self, params):
        """All that a trial changes in the base config, its seed apart."""
        settings = dict(params)
        effective = self.base | settings
        if self.documents:
            settings["num_steps"] = math.ceil(self.documents / effective["batch_size"])
        num_steps = settings.get("num_steps", self.base.get("num_steps"))
        if self._spreads_evaluations() and num_steps and "num_epochs" not in settings:
            settings["eval_every"] = math.ceil(num_steps / EVALUATIONS)
        return settings

    def seeds_of(self, params):
        first = params.get("seed", self.base["seed"])
        return [first + repetition for repetition in range(self.seeds)]

    def identity(self):
        """Two sweeps are the same if this is; the same on every machine, wherever its files are."""
        dataset = Path(self.base["dataset"])
        try:
            digest = hashlib.sha256(dataset.read_bytes()).hexdigest()
        except OSError as error:
            raise UserError(f"{dataset}: {error.strerror}: the dataset of {self.config}") from None
        return {
            **{key: value for key, value in self.base.items() if key != "dataset"},
            "SHA-256 of the dataset": digest,
            **{f"param {parameter.name}": parameter.form for parameter in self.parameters},
            "documents of a training": self.documents,
            "sampler": self.sampler,
            "seed of the sampler": self.seed,
            "pruner": self.pruner,
            "objective": self.objective,
            "seeds": self.seeds,
            "evaluations follow num_steps": self._spreads_evaluations(),
        }

    def _spreads_evaluations(self):
        """A pruner needs several val_losses of a training, and an epoch gives one only at its end."""
        chosen = "eval_every" in self.overrides or "eval_every" in self.distributions()
        return self.prunes and not chosen and self.base["eval_every"] == "epoch"
