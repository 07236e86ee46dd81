"""What a method is: its settings, and how it builds its trainer.

A new method is one file beside this one with a subclass of `MethodSettings`, its name in the union in `studio/methods/__init__.py`, a
shipped recipe in `assets/recipes` and a line in the README. Everything that planning, running and showing a method needs to know of it
stands in its class variables and in its `encoder`; nothing else asks for its kind. Settings load without torch; `build` imports what it
needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from studio.methods.encoding import Encoder
from studio.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer

    from studio.errors import FieldProblem
    from studio.workspace import Workspace


WITHOUT_DROPOUT = ("optim.label_smoothing", "optim.dropout", "adaptation.dropout", "optim.neftune_noise_alpha")
"""Settings that a method leaves unheeded whose model is compared with a reference: noise would be taken for a difference."""


@dataclass(frozen=True)
class Asked:
    """What a policy was asked: the messages, and the answer that the data has (or none)."""

    messages: list[dict[str, Any]]
    reference: str = ""


@dataclass(frozen=True)
class Rolled:
    """An answer that a policy drew: its tokens, the end token included where it `ended` by itself, and its text."""

    ids: list[int]
    text: str
    ended: bool


@dataclass(frozen=True)
class Reward:
    """How good an answer is: the weighted sum, and what each part of the reward says."""

    total: float
    parts: dict[str, float]


@dataclass
class TrainingJob:
    """All that a method needs to build its trainer.

    `train` and `validation` hold rows that are tokens already, in the columns of the method's encoder. `arguments` are keyword arguments
    common to every `TrainingArguments` (learning rate, batch size, evaluation interval, seed ...), to which the method adds its own; with
    `packing`, `max_length` is the length of a packed sequence; `trainer_class` mixes the studio's checkpointing and recovery into a trainer
    class. `continued` says that the adapter in `model` is not new but has learned before. Methods that learn from their own answers get
    `roll_out`, which draws them, and `judge`, which says how good they are.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    train: Dataset
    validation: Dataset | None
    arguments: dict[str, Any]
    max_length: int
    packing: bool
    label_smoothing: float
    trainer_class: Callable[[type], type]
    callbacks: list[Any]
    labels: list[str]
    continued: bool = False
    roll_out: Callable[..., list[Rolled]] | None = None
    judge: Callable[[list[Asked], list[str]], list[Reward]] | None = None


class MethodSettings(Settings):
    """What every method says about itself.

    `row_kinds` are the canonical rows that it trains on, `task` the head that the model gets ("causal", "classifier" or "reward"),
    `metric` what decides which checkpoint is best and `greater_is_better` in which direction.

    `metrics` are the figures of its own that the trainer logs, for evaluations with `eval_` before them, and what people call each.
    `packs` says that rows may be put together in one sequence, `sequences` how many sequences one row puts through the model at once,
    `reference` that a frozen copy of what moves is held beside it. `usual_rate` compares its usual learning rate with that of supervised
    fine-tuning. `unheeded` are the paths of settings that have no effect with this method; the plan says so when one was changed.
    """

    title: ClassVar[str]
    summary: ClassVar[str]
    row_kinds: ClassVar[tuple[str, ...]]
    task: ClassVar[str] = "causal"
    metric: ClassVar[str] = "eval_loss"
    greater_is_better: ClassVar[bool] = False
    metrics: ClassVar[dict[str, str]] = {}
    packs: ClassVar[bool] = False
    sequences: ClassVar[int] = 1
    reference: ClassVar[bool] = False
    usual_rate: ClassVar[float] = 1.0
    unheeded: ClassVar[tuple[str, ...]] = ()

    @property
    def encoder(self) -> Encoder:
        """How its rows become tokens."""
        raise NotImplementedError

    @property
    def limits(self) -> dict[str, float]:
        """Figures that end a run, without failing it, when they go beyond these values."""
        return {}

    def within_limits(self, figures: dict[str, float]) -> bool:
        """Whether the figures of an evaluation are within the limits."""
        return all(figures.get(f"eval_{name}", most) <= most for name, most in self.limits.items())

    def problems(self, ws: Workspace) -> list[FieldProblem]:
        """Why this method cannot run in this workspace, for example because a model that it names is not there."""
        return []

    def build(self, job: TrainingJob) -> Trainer:
        """The trainer for this job; raises `DataError` when the rows do not suit the method."""
        raise NotImplementedError
