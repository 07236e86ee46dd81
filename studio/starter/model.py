"""The network of the embedded model: a small Llama, and how it is written to disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from studio.starter.tokenizer import CONTEXT, VOCABULARY

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast


class Shape(BaseModel):
    """The sizes of the network; the defaults are those of the shipped model."""

    vocabulary: int = Field(VOCABULARY, ge=300)
    hidden: int = Field(192, ge=8)
    layers: int = Field(6, ge=1)
    heads: int = Field(6, ge=1)
    mlp: int = Field(512, ge=8)
    context: int = Field(CONTEXT, ge=32)


SIZES: dict[str, Shape] = {"small": Shape(), "large": Shape(vocabulary=4096, hidden=320, layers=8, heads=5, mlp=864)}
"""By name: the shipped model of 3 million parameters, and one of about 11 million for a GPU."""


def build(shape: Shape, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A freshly initialised model that fits the tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.mlp,
        max_position_embeddings=shape.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path, dtype: torch.dtype | None = None) -> None:
    """Writes the whole Hugging Face folder (bfloat16 by default); the weights are renamed into place last."""
    import copy
    import tempfile

    import torch
    from transformers import GenerationConfig

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        small = copy.deepcopy(model).to(dtype or torch.bfloat16)
        small.generation_config = GenerationConfig(
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            do_sample=True,
            temperature=0.8,
            top_p=0.95,
            max_new_tokens=160,
        )
        small.save_pretrained(aside)
        tokenizer.save_pretrained(aside)
        clean(Path(aside))
        for file in sorted(Path(aside).iterdir(), key=lambda path: path.suffix == ".safetensors"):
            file.chmod(0o644)
            file.replace(folder / file.name)


def clean(folder: Path) -> None:
    """Takes out of the configurations what only says where they were last loaded from."""
    for name, keys in (("config.json", ("_name_or_path",)), ("tokenizer_config.json", ("is_local", "local_files_only"))):
        path = folder / name
        settings = json.loads(path.read_text(encoding="utf-8"))
        kept = {key: value for key, value in settings.items() if key not in keys}
        path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
