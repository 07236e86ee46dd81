"""Tiny models and tokenizers, made on the spot, for tests."""

from __future__ import annotations

from pathlib import Path

WORDS = [
    "the",
    "shop",
    "opens",
    "at",
    "nine",
    "and",
    "closes",
    "five",
    "where",
    "is",
    "my",
    "parcel",
    "order",
    "hello",
    "thank",
    "you",
    "good",
    "bad",
    "film",
    "great",
    "awful",
]

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
