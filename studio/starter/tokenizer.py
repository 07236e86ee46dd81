"""Trains the tokenizer: byte-level BPE with single digits, so that numbers are copied and added digit by digit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from studio.starter.corpus import dialogues
from studio.starter.template import CHAT_TEMPLATE, END, PAD, SPECIAL_TOKENS, pieces

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 3072
CONTEXT = 512


def texts(seed: int, count: int) -> Iterator[str]:
    """The messages of `count` training dialogues."""
    for item in dialogues(seed, 0, count):
        for message in item.messages:
            yield message["content"]
            yield f"{message['role']}\n"


def train_tokenizer(lines: Iterable[str], vocabulary: int = VOCABULARY, context: int = CONTEXT) -> PreTrainedTokenizerFast:
    """A tokenizer learned from `lines`, with the special tokens and the chat template in place."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[AddedToken(token, normalized=False, special=True) for token in SPECIAL_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(lines, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=END,
        pad_token=PAD,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        padding_side="right",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.add_special_tokens({"additional_special_tokens": [SPECIAL_TOKENS[1]]})
    return tokenizer


def encode(tokenizer: PreTrainedTokenizerFast, messages: tuple[dict[str, str], ...]) -> tuple[list[int], list[bool]]:
    """The token ids of a conversation, and for each token whether the assistant says it."""
    ids: list[int] = []
    said: list[bool] = []
    for text, assistant in pieces(messages):
        part = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
        ids += part
        said += [assistant] * len(part)
    return ids, said
