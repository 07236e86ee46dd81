"""What a model is good for, and which adaptations of it fit this machine, in plain sentences. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from studio.device import DeviceInfo
from studio.models.adaptations import Adaptation, AdaptationSettings, LastLayers
from studio.models.memory import estimate, trained_parameters
from studio.models.registry import ModelInfo
from studio.optim import Optim

GIB = 2**30
ROWS, TOKENS = 8, 512
SIZES = (
    (20_000_000, "it learns a style, a label set or a narrow task in minutes on a laptop; do not expect knowledge of the world"),
    (600_000_000, "good for classification, extraction and short answers in one field; it trains on a laptop"),
    (4_000_000_000, "good for assistants in one field, rewriting and summaries; a small GPU is enough for LoRA"),
    (15_000_000_000, "good for assistants and reasoning over documents; train it with LoRA or QLoRA on one GPU"),
)
LARGEST = "good for demanding assistants; train it with QLoRA or LoRA on a large GPU"


@dataclass(frozen=True)
class Advice:
    """Whether one adaptation of a model fits this machine; `bytes` is its estimate, `sentence` says how far one can go."""

    adaptation: str
    fits: bool
    bytes: int
    sentence: str


def good_for(info: ModelInfo) -> str:
    """One or two sentences about what a model suits."""
    if info.kind == "reward":
        return "Says with a number how good an answer is, as the people did whose judgements it learned from."
    if info.kind == "classifier":
        named = ", ".join(info.labels[:8]) + (" and more" if len(info.labels) > 8 else "")
        return f"Says which of {len(info.labels)} labels a text has: {named}."
    if not info.parameters:
        return "Nothing is known about this model, because its files are missing."
    size = next((words for limit, words in SIZES if info.parameters < limit), LARGEST)
    if not info.generates:
        return f"Reads text and does not write: use it to train a classifier. {count(info.parameters)} parameters."
    chat = (
        "It has a chat template of its own."
        if info.template == "own"
        else "It has no chat template; a plain one is used, so train it on chats first."
    )
    return f"{count(info.parameters)} parameters: {size}. {chat}"


def advice(info: ModelInfo, device: DeviceInfo) -> list[Advice]:
    """For each adaptation that suits the model: whether it fits with 8 rows of 512 tokens, and otherwise what would."""
    if not info.parameters:
        return []
    task = info.task if info.generates else "classifier"
    kinds: list[type[AdaptationSettings]] = list(get_args(get_args(Adaptation)[0]))
    suited = [kind for kind in kinds if (kind.generator if task == "causal" else kind.classifier)]
    return [_advice(info, kind(), task, device) for kind in suited]


def _advice(info: ModelInfo, adaptation: AdaptationSettings, task: str, device: DeviceInfo) -> Advice:
    if isinstance(adaptation, LastLayers):
        adaptation = _most_layers(info, task, device)
    length = min(TOKENS, info.context_length or TOKENS)
    needed = estimate(info, adaptation, Optim(per_device_batch_size=ROWS), length, task, device)
    trained = count(trained_parameters(info, adaptation, task))
    kind = str(adaptation.model_dump()["kind"])
    title = f"{adaptation.title} of {adaptation.layers}" if isinstance(adaptation, LastLayers) else adaptation.title
    size = f"about {needed.total / GIB:.1f} GB of the {device.free_bytes / GIB:.1f} GB that are free"
    if needed.fits:
        rows, longest = _room(info, adaptation, task, device, length)
        room = f"up to {rows} rows of {length} tokens at a time" if rows > ROWS else f"{ROWS} rows of {length} tokens at a time"
        more = f", or {ROWS} rows of {longest} tokens" if longest > length else ""
        return Advice(kind, True, needed.total, f"{title} fits: {size}, training {trained} parameters; {room}{more}.")
    least = estimate(info, adaptation, Optim(per_device_batch_size=1, gradient_checkpointing="on"), length, task, device)
    if least.fits:
        sentence = f"{title} fits with one row at a time and gradient checkpointing: about {least.total / GIB:.1f} GB; use accumulation."
        return Advice(kind, True, least.total, sentence)
    return Advice(kind, False, least.total, f"{title} does not fit: it needs at least {least.total / GIB:.1f} GB, and "
                  f"{device.free_bytes / GIB:.1f} GB are free.")  # fmt: skip


def _most_layers(info: ModelInfo, task: str, device: DeviceInfo) -> LastLayers:
    """The most last layers that fit with one row at a time, at least one."""
    smallest = Optim(per_device_batch_size=1, gradient_checkpointing="on")
    for layers in range(max(info.layers, 1), 1, -1):
        if estimate(info, LastLayers(layers=layers), smallest, TOKENS, task, device).fits:
            return LastLayers(layers=layers)
    return LastLayers(layers=1)


def _room(info: ModelInfo, adaptation: AdaptationSettings, task: str, device: DeviceInfo, length: int) -> tuple[int, int]:
    """The most rows of `length` tokens, and the longest rows at `ROWS` rows, that fit; both are doubled from what is known to fit."""
    rows, longest = ROWS, length
    while rows < 1024 and estimate(info, adaptation, Optim(per_device_batch_size=rows * 2), length, task, device).fits:
        rows *= 2
    usual = Optim(per_device_batch_size=ROWS)
    while longest * 2 <= info.context_length and estimate(info, adaptation, usual, longest * 2, task, device).fits:
        longest *= 2
    return rows, longest


def count(parameters: int) -> str:
    """A number of parameters in words: `3.1M`, `8B`, `512`."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if parameters >= size:
            value = parameters / size
            return f"{value:.1f}{unit}" if value < 10 and round(value, 1) % 1 else f"{value:.0f}{unit}"
    return str(parameters)
