"""Batched generation on a loaded model: seeds, padding, cancelling, end tokens, and the untouched random state."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from studio.inference.generation import Request, by_length, generate_batch, next_batch, virtual_tokens
from studio.inference.prompts import context_length, end_tokens, fit
from studio.inference.sampling import Sampling, row_seed
from studio.inference.streaming import decode
from tests.tiny import make_model, make_tokenizer

QUESTIONS = ["hello", "where is my parcel", "the shop opens at nine and closes at five where is the shop", "good film"]


def ask(loaded, sampling, questions=QUESTIONS, n=1):
    model, tokenizer = loaded
    context = context_length(model)
    found = []
    for index, question in enumerate(questions):
        prompt = fit(tokenizer, [{"role": "user", "content": question}], sampling.max_new_tokens, context)
        found += [Request(index, sample, prompt, row_seed(7, index, sample)) for sample in range(n)]
    return found


def test_a_batch_gives_what_one_by_one_gives(loaded):
    for temperature in (0, 0.8):
        sampling = Sampling(max_new_tokens=12, temperature=temperature)
        requests = ask(loaded, sampling, n=2)
        together = generate_batch(*loaded, requests, sampling)
        apart = [generate_batch(*loaded, [request], sampling)[0] for request in requests]
        assert [r.ids for r in together] == [r.ids for r in apart]


@pytest.mark.parametrize("tuned", [False, True])
def test_outputs_that_go_on_after_others_ended_are_the_same(tiny_model: Path, tuned: bool):
    from peft import PromptTuningConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny_model), AutoTokenizer.from_pretrained(tiny_model)
    if tuned:
        model = get_peft_model(model, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4))
    model.eval().generation_config.eos_token_id = list(range(0, len(tokenizer), 12))  # so that answers end at many different lengths
    sampling = Sampling(max_new_tokens=40, temperature=1, top_p=1, repetition_penalty=1.1)
    requests = ask((model, tokenizer), sampling, QUESTIONS[:1] if tuned else QUESTIONS, n=16)
    together = generate_batch(model, tokenizer, requests, sampling)
    apart = [generate_batch(model, tokenizer, [request], sampling)[0] for request in requests]
    assert [r.ids for r in together] == [r.ids for r in apart]
    assert len({len(r.ids) for r in together}) > 5
    assert {r.finish_reason for r in together} <= {"stop", "length"}
    by_tokens = sorted(together, key=lambda r: len(r.ids))
    assert by_tokens[0].seconds < by_tokens[-1].seconds


def test_equal_seeds_repeat_and_samples_differ(loaded):
    sampling = Sampling(max_new_tokens=16, temperature=1)
    requests = ask(loaded, sampling, QUESTIONS[:1], n=4)
    first, second = (generate_batch(*loaded, requests, sampling) for _ in range(2))
    assert [r.ids for r in first] == [r.ids for r in second]
    assert len({tuple(r.ids) for r in first}) == 4


def test_the_global_random_state_is_not_touched(loaded):
    import torch

    before = torch.get_rng_state()
    generate_batch(*loaded, ask(loaded, Sampling(temperature=1, max_new_tokens=4)), Sampling(temperature=1, max_new_tokens=4))
    assert torch.equal(before, torch.get_rng_state())


def test_draws_follow_the_distribution_and_the_cut():
    import torch

    from studio.inference.generation import SeededDraw

    scores = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(4000, 1)
    prompt = torch.zeros(4000, 1, dtype=torch.long)

    def shares(**settings):
        draw = SeededDraw(list(range(4000)), Sampling(temperature=1, **settings), 1, 1, torch.device("cpu"))
        return torch.bincount(draw(prompt, scores).argmax(-1), minlength=4) / 4000

    assert shares(top_p=1).tolist() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)
    assert shares(top_p=0.75).tolist() == pytest.approx([0.625, 0.375, 0, 0], abs=0.03)
    assert shares(top_p=1, top_k=1).tolist() == [1, 0, 0, 0]


def test_length_and_stop_are_told_apart(loaded):
    model, tokenizer = loaded
    sampling = Sampling(max_new_tokens=5, temperature=0)
    request = ask(loaded, sampling, QUESTIONS[:1])
    result = generate_batch(model, tokenizer, request, sampling)[0]
    assert (result.finish_reason, len(result.ids)) == ("length", 5)
    old, model.generation_config.eos_token_id = model.generation_config.eos_token_id, [result.ids[0]]
    try:
        ended = generate_batch(model, tokenizer, request, sampling)[0]
    finally:
        model.generation_config.eos_token_id = old
    assert (ended.finish_reason, ended.ids) == ("stop", result.ids[:1])
    assert decode(tokenizer, ended.ids, set(result.ids[:1])) == ""


def test_cancelling_ends_within_one_token(loaded):
    stop = threading.Event()
    seen = []

    def watch(token, _seconds):
        seen.append(token)
        if len(seen) == 3:
            stop.set()

    sampling = Sampling(max_new_tokens=100, temperature=0)
    result = generate_batch(*loaded, ask(loaded, sampling, QUESTIONS[:1]), sampling, [stop], watch)[0]
    assert (result.finish_reason, len(result.ids)) == ("cancelled", 3)


def test_every_way_to_end_an_answer_is_found(loaded):
    model, _ = loaded
    tokenizer = make_tokenizer("{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|system|>\n{% endfor %}")
    found = end_tokens(model, tokenizer)
    assert set(found) == {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|system|>")}


def test_batches_take_the_longest_first_and_share_one_limit(loaded):
    sampling = Sampling(max_new_tokens=200)
    ordered = by_length(ask(loaded, sampling, [*QUESTIONS, "thank you " * 40]))
    assert ordered[0].prompt_index == 4
    assert [r.prompt_index for r in next_batch(ordered, 8, padded=True)] == [4]
    assert len(next_batch(ordered[1:], 2, padded=True)) == 2
    assert len(next_batch(ordered[1:], 4, padded=False)) == 1


@pytest.mark.parametrize("architecture", ["gpt2", "qwen3"])
def test_other_architectures_answer(tmp_path: Path, architecture):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = make_model(tmp_path / architecture, architecture)
    other = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    sampling = Sampling(max_new_tokens=6, temperature=0.5)
    requests = ask(other, sampling)
    together = generate_batch(*other, requests, sampling)
    assert [r.ids for r in together] == [generate_batch(*other, [request], sampling)[0].ids for request in requests]


def test_prompt_tuning_keeps_room_and_is_not_padded(tiny_model: Path):
    from peft import PromptTuningConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    assert not virtual_tokens(base)
    model = get_peft_model(base, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4))
    assert context_length(model) == 252
    assert virtual_tokens(model)
