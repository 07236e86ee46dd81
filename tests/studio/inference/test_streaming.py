"""Streaming: whole characters, no special tokens, no reader left hanging."""

from __future__ import annotations

import threading

import pytest

from studio.errors import ModelError
from studio.inference.streaming import Ended, Started, TextPieces, Token, stream
from tests.tiny import make_tokenizer

TEXT = "hello \U0001f600 the film \U0001f468\u200d\U0001f469\u200d\U0001f467 is great é日本 bye"


def test_pieces_never_split_a_character_and_join_to_the_whole():
    tokenizer = make_tokenizer()
    pieces = TextPieces(tokenizer, {tokenizer.eos_token_id})
    ids = tokenizer.encode(TEXT) + tokenizer.encode("<|end|>")
    given = []
    for token in ids:
        pieces.ids.append(token)
        given.append(pieces.piece())
    given.append(pieces.piece(final=True))
    assert "".join(given) == TEXT
    assert not any("\ufffd" in piece for piece in given)
    assert len([piece for piece in given if piece]) > 20


def test_pieces_come_about_every_ten_tokens():
    tokenizer = make_tokenizer()
    pieces = TextPieces(tokenizer, set())
    given = [pieces.add([token]) for token in tokenizer.encode("the shop opens " * 20)]
    assert given[0]
    assert len([piece for piece in given if piece]) <= 1 + len(given) // 10


def test_an_answer_cut_inside_a_character_still_ends():
    tokenizer = make_tokenizer()
    pieces = TextPieces(tokenizer, set())
    pieces.add(tokenizer.encode("ok"))
    pieces.add(tokenizer.encode("\U0001f600")[:-1])
    assert pieces.piece(final=True) == "\ufffd"


def test_chunks_count_tokens_and_tell_the_end():
    tokenizer = make_tokenizer()
    ids = tokenizer.encode("hello the shop<|end|>")

    def work(put):
        put(Started(tokenizer, {tokenizer.eos_token_id}, 2))
        for number, token in enumerate(ids):
            put(Token(token, 0.5 * number))
        put(Ended("stop", 4.0))

    chunks = list(stream(work, threading.Event(), 5))
    assert "".join(chunk.text for chunk in chunks) == "hello the shop"
    last = chunks[-1]
    assert (last.done, last.finish_reason, last.tokens, last.dropped_messages, last.seed) == (True, "stop", len(ids), 2, 5)
    assert last.tokens_per_second == len(ids) / 4
    assert not any(chunk.done for chunk in chunks[:-1])


def test_what_the_writer_raises_reaches_the_reader():
    def work(put):
        put(Started(make_tokenizer(), set(), 0))
        raise ModelError("It broke.")

    with pytest.raises(ModelError, match="It broke"):
        list(stream(work, threading.Event(), None))


def test_closing_the_reader_cancels_the_writer():
    cancel, done = threading.Event(), threading.Event()
    tokenizer = make_tokenizer()

    def work(put):
        put(Started(tokenizer, set(), 0))
        put(Token(tokenizer.encode("hello")[0], 0.1))
        cancel.wait(20)
        done.set()

    chunks = stream(work, cancel, None)
    assert next(chunks).text
    chunks.close()
    assert done.wait(20)
