"""What all tests share: no network, one thread, a fresh workspace, and tiny models made on the spot."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    GRADIO_ANALYTICS_ENABLED="False",
    OMP_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
)

import pytest  # noqa: E402

from studio.workspace import Workspace  # noqa: E402

WORDS = "the shop opens at nine and closes five where is my parcel order hello thank you good bad film great awful".split()

TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' }}"
    "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] + '<|end|>' }}{% endgeneration %}"
    "{% else %}{{ m['content'] + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def make_tokenizer(template: str | None = TEMPLATE):
    """A byte-level BPE tokenizer of a few hundred tokens, trained on a handful of sentences."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    raw = ByteLevelBPETokenizer()
    raw.train_from_iterator([" ".join(WORDS)] * 4, vocab_size=400, min_frequency=1)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw._tokenizer, eos_token="<|end|>", pad_token="<|pad|>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|system|>", "<|user|>", "<|assistant|>"]})
    tokenizer.chat_template = template
    return tokenizer


def make_model(folder: Path, architecture: str = "llama", template: str | None = TEMPLATE) -> Path:
    """A random model of about ten thousand weights in Hugging Face format; `architecture` is llama, qwen3 or gpt2."""
    import torch
    from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen3Config

    tokenizer = make_tokenizer(template)
    shape = {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    if architecture == "gpt2":
        config = GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=256, bos_token_id=tokenizer.eos_token_id, **shape)
    else:
        kind = {"llama": LlamaConfig, "qwen3": Qwen3Config}[architecture]
        config = kind(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                      max_position_embeddings=256, tie_word_embeddings=True, **shape)  # fmt: skip
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama with a chat template."""
    return make_model(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A fresh workspace."""
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def chat_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a JSONL file of `rows` conversations and gives its path."""

    def write(rows: int = 40, name: str = "chats.jsonl") -> Path:
        path = tmp_path / name
        lines = []
        for i in range(rows):
            question, answer = f"where is order {i}", f"thank you the order {i} is good"
            lines.append(json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}))
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def label_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file of `rows` texts labelled good or bad and gives its path."""

    def write(rows: int = 60, name: str = "labels.csv") -> Path:
        path = tmp_path / name
        lines = ["text,label"]
        lines += [f"the film is great {i},good" if i % 2 else f"the film is awful {i},bad" for i in range(rows)]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write
