"""4-bit weights through bitsandbytes, an optional extra: whether they run here, and how they are asked for. Needs torch."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig


@cache
def four_bit_problem(target: torch.device) -> str:
    """Why 4-bit weights cannot be used on this device, or nothing; found out by rounding one small matrix there and back."""
    if importlib.util.find_spec("bitsandbytes") is None:
        return "the library bitsandbytes is not installed"
    try:
        import bitsandbytes.functional as functional

        packed, state = functional.quantize_4bit(torch.ones(64, 64, device=target), quant_type="nf4")
        functional.dequantize_4bit(packed, state)
    except (ImportError, OSError, RuntimeError, NotImplementedError, AttributeError) as error:
        return f"bitsandbytes does not work on this {target.type} ({error})"
    return ""


def never_repack(model: nn.Module) -> None:
    """Keep bitsandbytes from repacking 4-bit weights at the first evaluation on CPUs with AVX512-BF16: gradients are wrong after that, and
    small matrices cannot be repacked at all."""
    for module in model.modules():
        if type(module).__name__ == "Linear4bit":
            module.support_avx512bf16_for_cpu = False


def four_bit_config(compute: torch.dtype) -> BitsAndBytesConfig:
    """NF4 with double quantisation (Dettmers et al. 2023, https://arxiv.org/abs/2305.14314); heads stay as they are."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
        llm_int8_skip_modules=["lm_head", "score", "classifier"],
    )
