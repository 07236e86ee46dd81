"""How much memory a run will need, from the shape of the model and the recipe, before anything is loaded. No torch.

Bytes, with P parameters of which T train:

- weights: own weights that train are float32 (4P; 2T more for the copies that autocast keeps in half precision); a frozen base has the
  run's precision (2P or 4P), or in 4 bits 0.516 bytes for each weight of a linear layer (NF4 with double quantisation: 4 bits, one byte
  for each 64 weights and 4 bytes for each 256 of those; Dettmers et al. 2023, https://arxiv.org/abs/2305.14314). An adapter adds 4T.
- gradients: 4T.
- optimizer: AdamW two moments, 8T; Adafactor a row and a column for each matrix, 4T (1/rows + 1/columns) (Shazeer and Stern 2018,
  https://arxiv.org/abs/1804.04235); SGD without momentum none. With mixed precision this is the 16 bytes a weight of
  Rajbhandari et al. 2020 (https://arxiv.org/abs/1910.02054), and 2 for the cached copies.
- activations: what the backward pass keeps for each token and layer, in the manner of Korthikanti et al. 2022
  (https://arxiv.org/abs/2205.05198), with attention that does not keep its score matrix (SDPA): 5 hidden + 5 attention width (9 where
  queries and keys are normalised) + 4.5 intermediate numbers, of 4 bytes in float32, 3 with float32 weights under autocast, 2.25 with
  half-precision weights; adapter dropout keeps a copy and a mask of each adapted layer's input. These factors were measured with
  saved-tensor hooks on Llama and GPT-2 layers, which they meet within 10 %. With checkpointing only each layer's input is kept (1.25
  hidden), and one layer at a time is recomputed.
- logits: next-token losses go through the vocabulary in float32 tiles of 4,096 tokens by 32,768 entries: two at a time on a GPU, six on a
  CPU, where the tile's arithmetic makes copies. With label smoothing all logits exist at once, three times over.
- a method that compares with the model as it was (DPO) holds what trains a second time without an adapter, 4T.
- 100 MB of scratch space for the matrix libraries.

Against the peak of resident memory, a 34M Llama on a CPU (full, LoRA with and without checkpointing, last layers and QLoRA, in
float32 and bfloat16, 64 or 1,024 tokens in a batch; 0.6 to 1.3 GB): between 12 % below and 16 % above. The six tiles and the
scratch space were chosen on these same runs. On a second Llama (12 layers, hidden 384), which they were not chosen on, full was 2
% above and LoRA 33 % below, so short runs of deep, narrow models may need half as much again. DoRA and GPUs have not been
measured. What the libraries take when they are imported is left out, because it has gone from the free memory before.
"""

from __future__ import annotations

from dataclasses import dataclass

from studio.device import DeviceInfo, describe
from studio.models.adaptations import (
    IA3,
    AdaptationSettings,
    DoRA,
    Full,
    HeadOnly,
    LastLayers,
    LowRank,
    PromptTuning,
)
from studio.models.inspect import Matrix
from studio.models.registry import ModelInfo
from studio.optim import Optim

FOUR_BIT_BYTES = 0.5 + (1 + 4 / 256) / 64
OPTIMIZER_BYTES = {"adamw": 8.0, "sgd": 0.0}
USABLE = 0.9  # of the free memory; the rest is lost to the allocator's rounding and fragments
TILE_TOKENS, TILE_ENTRIES = 4096, 32768
SCRATCH = 100 * 2**20
KEYS_AND_VALUES = ("k_proj", "v_proj", "key", "value", "c_attn", "query_key_value", "qkv_proj")
QUERIES = ("q_proj", "query", "q_b_proj")
ATTENTION = (*KEYS_AND_VALUES, "o_proj", "out_proj", "Wqkv")
FEED_FORWARD = ("down_proj", "fc2", "fc_out", "dense_4h_to_h", "w2", "wo")


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes by purpose; `available` is what is free on the device now, `fits` whether the total is within nine tenths of it."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    total: int
    available: int
    fits: bool


def estimate(
    info: ModelInfo,
    adaptation: AdaptationSettings,
    optim: Optim,
    max_length: int,
    task: str,
    device: DeviceInfo | None = None,
    sequences: int = 1,
    reference: bool = False,
) -> MemoryEstimate:
    """The memory of one training run on `device` (default: this machine's); see the module's text for the formula.

    `sequences` is how many sequences each row of a batch puts through the model, `reference` whether a frozen copy of the weights that move
    is held beside them (not with adapters, which are switched off instead). Checkpointing counts when `optim.gradient_checkpointing` is
    "on"; precision "auto" is bfloat16 on a GPU that is quick at it, else float32.
    """
    device = device or describe()
    half = optim.precision in ("bfloat16", "float16") or (optim.precision == "auto" and device.kind == "cuda")
    trained = trained_parameters(info, adaptation, task)
    weights = _weights(info, adaptation, task, trained, half) + (4 * trained if reference and not adaptation.peft else 0)
    gradients = 4 * trained
    optimizer = _optimizer(info, adaptation, optim, trained)
    tokens = optim.per_device_batch_size * sequences * (max_length + getattr(adaptation, "virtual_tokens", 0))
    activations = SCRATCH + _activations(info, adaptation, tokens, half, optim.gradient_checkpointing == "on")
    if task == "causal":
        activations += _logits(info, optim, tokens, device)
    total = int(weights + gradients + optimizer + activations)
    return MemoryEstimate(
        int(weights), gradients, int(optimizer), int(activations), total, device.free_bytes, total <= USABLE * device.free_bytes
    )


def trained_parameters(info: ModelInfo, adaptation: AdaptationSettings, task: str) -> int:
    """How many parameters an adaptation trains, from the shapes of the model's matrices; the small heads of classifiers are left out."""
    per_layer = sum(m.rows * m.columns * m.count for m in info.matrices) // max(info.layers, 1)
    if isinstance(adaptation, Full):
        return info.parameters
    if isinstance(adaptation, HeadOnly):
        return info.hidden * max(len(info.labels), 2)
    if isinstance(adaptation, LastLayers):
        return min(adaptation.layers, info.layers) * per_layer + (info.vocabulary * info.hidden if task == "causal" else 0)
    if isinstance(adaptation, LowRank):
        sizes = sum((m.rows + m.columns) * m.count for m in _targeted(info, adaptation))
        magnitudes = sum(m.rows * m.count for m in _targeted(info, adaptation)) if isinstance(adaptation, DoRA) else 0
        return adaptation.rank * sizes + magnitudes
    if isinstance(adaptation, IA3):
        keys = sum(m.rows * m.count for m in info.matrices if m.name in KEYS_AND_VALUES)
        return keys + sum(m.columns * m.count for m in info.matrices if m.name in FEED_FORWARD)
    if isinstance(adaptation, PromptTuning):
        return adaptation.virtual_tokens * info.hidden
    return info.parameters


def _targeted(info: ModelInfo, adaptation: LowRank) -> list[Matrix]:
    if adaptation.targets.strip() == "all-linear":
        return info.matrices
    names = {name.strip().rsplit(".", 1)[-1] for name in adaptation.targets.split(",")}
    return [matrix for matrix in info.matrices if matrix.name in names]


def _weights(info: ModelInfo, adaptation: AdaptationSettings, task: str, trained: int, half: bool) -> float:
    if not adaptation.peft:
        untied = info.vocabulary * info.hidden if isinstance(adaptation, LastLayers) and info.tied and task == "causal" else 0
        return 4 * (info.parameters + untied) + (2 * trained if half else 0)
    size = 2 if half else 4
    linear = sum(m.rows * m.columns * m.count for m in info.matrices) if adaptation.four_bit else 0
    return FOUR_BIT_BYTES * linear + size * (info.parameters - linear) + 4 * trained


def _optimizer(info: ModelInfo, adaptation: AdaptationSettings, optim: Optim, trained: int) -> float:
    if optim.optimizer in OPTIMIZER_BYTES:
        return OPTIMIZER_BYTES[optim.optimizer] * trained
    narrow = adaptation.rank if isinstance(adaptation, LowRank) else max(info.hidden, 1)
    return 4 * trained * (1 / narrow + 1 / max(info.hidden, 1))


def _activations(info: ModelInfo, adaptation: AdaptationSettings, tokens: int, half: bool, checkpointing: bool) -> float:
    """Bytes kept for the backward pass. Layers below the first that trains keep nothing."""
    attention = max((m.rows for m in info.matrices if m.name in QUERIES), default=info.hidden)
    others = [max(m.rows, m.columns) for m in info.matrices if m.name not in (*ATTENTION, *QUERIES)]
    numbers = 5 * info.hidden + (9 if info.query_norm else 5) * attention + 4.5 * max(others, default=4 * info.hidden)
    size = 4.0 if not half else 2.25 if adaptation.peft else 3.0
    per_layer = numbers * size
    if isinstance(adaptation, LowRank) and adaptation.dropout > 0:
        inputs = sum(m.columns * m.count for m in _targeted(info, adaptation)) / max(info.layers, 1)
        per_layer += inputs * (3.75 if half else 5.0)
    layers = info.layers
    if isinstance(adaptation, HeadOnly):
        return tokens * per_layer  # nothing is kept, and one layer is alive at a time
    if isinstance(adaptation, LastLayers):
        layers = min(adaptation.layers, info.layers)
    if checkpointing:
        return tokens * (layers * 1.25 * info.hidden * (2 if half else 4) + per_layer)
    return tokens * layers * per_layer


def _logits(info: ModelInfo, optim: Optim, tokens: int, device: DeviceInfo) -> float:
    if optim.label_smoothing > 0:
        return 3 * 4 * tokens * info.vocabulary
    if device.kind == "cpu":
        return 6 * 4 * min(tokens, TILE_TOKENS) * min(info.vocabulary, TILE_ENTRIES)
    return 2 * 4 * min(tokens, TILE_TOKENS) * TILE_ENTRIES
