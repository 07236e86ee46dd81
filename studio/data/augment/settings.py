"""The steps that augment a dataset without a model, each a section of settings.

A new step is a class here, its name in `Step` and `STEPS`, and a branch in `apply.py`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, TypeAdapter, ValidationError

from studio.errors import DataError
from studio.settings import FieldSpec, Settings, field_spec, setting


class AugmentStep(Settings):
    """What every step says about itself: its title, one sentence, and the kinds of rows that it works on (none named: all)."""

    title: ClassVar[str]
    summary: ClassVar[str]
    row_kinds: ClassVar[tuple[str, ...]] = ()


class Noise(AugmentStep):
    title: ClassVar[str] = "Typing noise"
    summary: ClassVar[str] = "Adds copies of rows whose prompts hold typing errors and odd casing, so that careless typing matters less."
    row_kinds: ClassVar[tuple[str, ...]] = ("chat", "prompt", "labelled", "preference", "unpaired", "ranking", "rating")

    kind: Literal["noise"] = "noise"
    share: float = setting(0.2, "Share of rows", "How many of the training rows get a noisy copy.", basic=True, gt=0, le=1)
    errors: float = setting(
        0.03, "Errors", "Share of letters that are swapped, dropped, doubled or hit beside the key.", basic=True, ge=0, le=0.3
    )
    casing: Literal["none", "lower", "upper", "mixed"] = setting(
        "mixed", "Casing", "none leaves it; lower and upper change all; mixed draws one of lower, upper and unchanged a row.", basic=True
    )
    seed: int = setting(42, "Seed", "Equal seeds give equal noise.", ge=0, le=2**31 - 1)


class SystemPrompts(AugmentStep):
    title: ClassVar[str] = "System-prompt variants"
    summary: ClassVar[str] = "Adds copies of conversations under other system prompts, so that the answers hold under each of them."
    row_kinds: ClassVar[tuple[str, ...]] = ("chat", "prompt", "preference", "unpaired", "ranking", "rating")

    kind: Literal["system_prompts"] = "system_prompts"
    prompts: str = setting(
        "You are a helpful assistant.",
        "System prompts",
        "One a line; an empty line stands for none.",
        basic=True,
        lines=True,
        max_length=20_000,
    )
    share: float = setting(0.5, "Share of rows", "How many of the training rows get a copy under another prompt.", basic=True, gt=0, le=1)
    seed: int = setting(42, "Seed", "Equal seeds draw the same rows and prompts.", ge=0, le=2**31 - 1)


class Balance(AugmentStep):
    title: ClassVar[str] = "Balance the classes"
    summary: ClassVar[str] = "Evens out how often each label occurs among the training rows."
    row_kinds: ClassVar[tuple[str, ...]] = ("labelled",)

    kind: Literal["balance"] = "balance"
    method: Literal["over", "under"] = setting(
        "over", "Method", "over repeats rows of rare labels; under leaves out rows of frequent ones.", basic=True
    )
    strength: float = setting(1.0, "Strength", "1 makes all labels equally frequent, 0.5 goes half the way.", basic=True, gt=0, le=1)
    seed: int = setting(42, "Seed", "Equal seeds draw the same rows.", ge=0, le=2**31 - 1)


Step = Annotated[Noise | SystemPrompts | Balance, Field(discriminator="kind")]
STEPS: tuple[type[AugmentStep], ...] = (Noise, SystemPrompts, Balance)


def step_of(values: dict[str, object]) -> Noise | SystemPrompts | Balance:
    """A step from its settings, `kind` among them; raises `DataError` that names the wrong ones."""
    try:
        adapter: TypeAdapter[Noise | SystemPrompts | Balance] = TypeAdapter(Step)
        return adapter.validate_python(values)
    except ValidationError as error:
        problems = "; ".join(f"{problem['loc'][-1] if problem['loc'] else 'kind'}: {problem['msg']}" for problem in error.errors())
        raise DataError(f"The augmentation cannot be used: {problems}.", "Correct the named settings.") from error


def fields_of(step: type[AugmentStep]) -> list[FieldSpec]:
    """The step's settings as a form shows them."""
    return [field_spec(info, "augment", name, name) for name, info in step.model_fields.items() if name != "kind"]
