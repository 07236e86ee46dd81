"""Adaptations: which weights move. Each is one settings class, told apart by `kind`.

How an adaptation is applied to a loaded model stands in `studio/models/adapt.py`. To add one: a class here, its name in `Adaptation`, and a
branch in `adapt.py`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from studio.settings import Settings, setting


class AdaptationSettings(Settings):
    """What every adaptation says about itself. `peft` is whether it trains an adapter beside frozen weights; `mergeable` whether that
    adapter can be folded into them; `classifier` and `generator` whether it suits such models."""

    title: ClassVar[str]
    summary: ClassVar[str]
    peft: ClassVar[bool] = True
    mergeable: ClassVar[bool] = True
    classifier: ClassVar[bool] = True
    generator: ClassVar[bool] = True
    four_bit: ClassVar[bool] = False


class Full(AdaptationSettings):
    title: ClassVar[str] = "Full fine-tuning"
    summary: ClassVar[str] = "All weights move: the most capable and the most memory."
    peft: ClassVar[bool] = False

    kind: Literal["full"] = "full"


class LastLayers(AdaptationSettings):
    title: ClassVar[str] = "Last layers"
    summary: ClassVar[str] = "The last k layers and the head move, the rest is frozen."
    peft: ClassVar[bool] = False

    kind: Literal["last_layers"] = "last_layers"
    layers: int = setting(2, "Layers", "How many of the last transformer layers are trained.", basic=True, ge=1, le=512)


class HeadOnly(AdaptationSettings):
    title: ClassVar[str] = "Head only (feature extraction)"
    summary: ClassVar[str] = "The backbone is frozen and only the classification head learns."
    peft: ClassVar[bool] = False
    generator: ClassVar[bool] = False

    kind: Literal["head"] = "head"


class LowRank(AdaptationSettings):
    """Fields that LoRA and its relatives share (Hu et al. 2021, https://arxiv.org/abs/2106.09685)."""

    rank: int = setting(16, "Rank", "Size of the low-rank update; larger learns more and costs more memory.", basic=True, ge=1, le=1024)
    alpha: float = setting(32.0, "Alpha", "Scale of the update; it is multiplied by alpha / rank.", gt=0, le=4096)
    dropout: float = setting(0.05, "Adapter dropout", "Share of adapter inputs dropped while training.", ge=0, lt=1)
    targets: str = setting(
        "all-linear",
        "Target modules",
        "Which layers get an adapter: all-linear, or module names separated by commas (q_proj, v_proj).",
        min_length=1,
    )


class LoRA(LowRank):
    title: ClassVar[str] = "LoRA"
    summary: ClassVar[str] = "Small low-rank adapters on frozen weights: the usual choice."

    kind: Literal["lora"] = "lora"


class RsLoRA(LowRank):
    title: ClassVar[str] = "rsLoRA"
    summary: ClassVar[str] = "LoRA scaled by alpha / sqrt(rank), so that high ranks keep learning."

    kind: Literal["rslora"] = "rslora"


class DoRA(LowRank):
    title: ClassVar[str] = "DoRA"
    summary: ClassVar[str] = "LoRA that learns direction and size apart: often better at low rank, slower."

    kind: Literal["dora"] = "dora"


class QLoRA(LowRank):
    title: ClassVar[str] = "QLoRA"
    summary: ClassVar[str] = "LoRA on weights held in 4 bits: the least memory, somewhat slower."
    mergeable: ClassVar[bool] = False
    four_bit: ClassVar[bool] = True

    kind: Literal["qlora"] = "qlora"


class IA3(AdaptationSettings):
    title: ClassVar[str] = "IA3"
    summary: ClassVar[str] = "Learns one scale for each channel: very few parameters; wants a high learning rate."

    kind: Literal["ia3"] = "ia3"


class PromptTuning(AdaptationSettings):
    title: ClassVar[str] = "Prompt tuning"
    summary: ClassVar[str] = "Learns a few virtual tokens before the prompt; the model itself stays as it is."
    mergeable: ClassVar[bool] = False
    classifier: ClassVar[bool] = False

    kind: Literal["prompt_tuning"] = "prompt_tuning"
    virtual_tokens: int = setting(16, "Virtual tokens", "How many learned tokens stand before every prompt.", basic=True, ge=1, le=512)


Adaptation = Annotated[
    Full | LastLayers | HeadOnly | LoRA | RsLoRA | DoRA | QLoRA | IA3 | PromptTuning,
    Field(discriminator="kind"),
]
