"""The recipe: one typed, complete description of a run, and the single source of the form, the command line, YAML and validation.

To add a setting, add a field to its section; to add a method or an adaptation, see `studio/methods` and `studio/models/adaptations.py`.
Walking, reading and writing recipes is in `studio/fields.py`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationError, model_validator

from studio.errors import FieldProblem, RecipeError
from studio.methods import Method
from studio.methods.sft import SFT
from studio.models.adaptations import Adaptation, LoRA
from studio.optim import Optim
from studio.settings import Settings, setting


class DataSource(Settings):
    """One dataset of the mix: `name` is `support-bot` (its newest version) or `support-bot@3`."""

    name: str = setting(..., "Dataset", "Name of a dataset, with @ and a number for a version other than the newest.", min_length=1)
    weight: float = setting(1.0, "Weight", "How often its rows are drawn, relative to the other datasets.", gt=0, le=1000)
    cap: int | None = setting(None, "Rows at most", "At most this many of its training rows, drawn by the seed; empty takes all.", ge=1)


class Data(Settings):
    sources: list[DataSource] = setting([], "Data", "The datasets to train on.", basic=True)
    temperature: float = setting(
        1.0,
        "Mixing temperature",
        "1 mixes datasets by their size; higher values repeat small ones until all weigh nearly the same.",
        ge=1,
        le=100,
    )
    holdout: float = setting(
        0.1, "Held-out share", "Share of rows kept for evaluation when a dataset has no validation split of its own.", ge=0, le=0.5
    )
    max_length: int = setting(
        512,
        "Longest row",
        "Longer rows are cut at their end, or, for pairs of answers, at the beginning of the prompt.",
        unit="tokens",
        ge=8,
        le=1_048_576,
    )
    max_rows: int | None = setting(None, "Rows at most", "Use only this many rows, drawn by the seed; empty uses all.", ge=1)


class Evaluation(Settings):
    every: int | None = setting(None, "Evaluate every", "Steps between evaluations; empty gives about ten in a run.", unit="steps", ge=1)
    samples: int = setting(3, "Sample answers", "Held-out prompts answered at each evaluation.", ge=0, le=20)
    sample_tokens: int = setting(64, "Sample length", "Longest sample answer.", unit="tokens", ge=1, le=4096)
    early_stopping: int = setting(0, "Early stopping", "Stop after this many evaluations without a better one; 0 is off.", ge=0, le=100)
    keep: Literal["best", "last"] = setting("best", "Keep", "Which checkpoint becomes the model: the best by evaluation, or the last.")
    save_every: int | None = setting(None, "Save every", "Steps between checkpoints; empty saves at each evaluation.", unit="steps", ge=1)
    keep_checkpoints: int = setting(2, "Checkpoints kept", "Newest checkpoints kept beside the best one.", ge=1, le=100)


class Compute(Settings):
    device: Literal["auto", "cpu", "cuda"] = setting("auto", "Device", "auto: the GPU if there is one.")
    threads: int | None = setting(None, "CPU threads", "Threads that torch uses; empty leaves one core to the page.", ge=1, le=1024)


class Recipe(Settings):
    """One complete description of a run."""

    name: str = setting("run", "Name", "What the run and its model are called; a number is added when it is taken.", basic=True,
                        min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*$")  # fmt: skip
    model: str = setting("starter", "Base model", "The model to start from, by its name in this workspace.", basic=True, min_length=1)
    data: Data = Field(default_factory=Data, title="Data")
    method: Method = Field(default_factory=SFT, title="Method")
    adaptation: Adaptation = Field(default_factory=LoRA, title="Adaptation")
    optim: Optim = Field(default_factory=Optim, title="Optimisation")
    evaluation: Evaluation = Field(default_factory=Evaluation, title="Evaluation")
    compute: Compute = Field(default_factory=Compute, title="Compute")
    seed: int = setting(42, "Seed", "Equal seeds give equal runs on the same machine.", ge=0, le=2**31 - 1)

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        """Refuse combinations that cannot run. Messages start with the field's path, which `problems_of` reads."""
        if self.method.task != "causal" and not self.adaptation.classifier:
            raise ValueError(f"adaptation: {self.adaptation.title} cannot train a {self.method.task} model; choose LoRA, head only or full")
        if self.method.task == "causal" and not self.adaptation.generator:
            raise ValueError(f"adaptation: {self.adaptation.title} trains classifiers and reward models only; choose LoRA or full")
        if self.evaluation.early_stopping and self.data.holdout == 0 and self.evaluation.keep == "best":
            raise ValueError("evaluation.early_stopping: needs held-out rows; set a held-out share above 0")
        if self.optim.packing == "on" and self.adaptation.kind == "prompt_tuning":
            raise ValueError("optim.packing: prompt tuning cannot be packed; choose auto or off")
        if self.optim.packing == "on" and not self.method.packs:
            raise ValueError(f"optim.packing: rows of {self.method.title.lower()} cannot be packed; choose auto or off")
        return self

    def train_sources(self) -> list[DataSource]:
        """The datasets to train on; raises `RecipeError` when there are none."""
        if not self.data.sources:
            raise RecipeError([FieldProblem("data.sources", "no dataset is chosen")])
        return self.data.sources


UNIONS = ("method", "adaptation")


def problems_of(error: ValidationError) -> list[FieldProblem]:
    """The problems in a pydantic error, each with its dotted path; a union's variant is left out (`method.beta`, not `method.dpo.beta`)."""
    problems = []
    for item in error.errors(include_url=False):
        loc = [str(part) for part in item["loc"]]
        if len(loc) > 2 and loc[0] in UNIONS:
            del loc[1]
        message = item["msg"].removeprefix("Value error, ")
        path = ".".join(loc)
        if not path and ": " in message:
            path, message = message.split(": ", 1)
        problems.append(FieldProblem(path, message))
    return problems


def parse(values: dict[str, object]) -> Recipe:
    """A recipe from plain values; raises `RecipeError` with one problem a field."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(problems_of(error)) from error
