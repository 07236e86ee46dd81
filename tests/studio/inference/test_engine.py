"""The engine: models by name, streamed and batched answers, turns on the device, memory."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from studio.device import lease
from studio.errors import BusyError, ModelError, NotFoundError
from studio.inference import generation
from studio.inference.engine import Engine
from studio.inference.sampling import Sampling

HELLO = [{"role": "user", "content": "hello"}]
PROMPTS = [[{"role": "user", "content": text}] for text in ("hello", "where is my parcel", "the shop opens at nine " * 3)]
SHORT = Sampling(max_new_tokens=10, seed=4)


def test_a_streamed_answer_is_the_batched_one(engine):
    chunks = list(engine.chat("first", HELLO, SHORT))
    output = next(engine.generate("first", [HELLO], SHORT))
    assert "".join(chunk.text for chunk in chunks) == output.text
    assert output.text
    assert chunks[-1].tokens == output.tokens
    assert (chunks[-1].finish_reason, chunks[-1].seed) == (output.finish_reason, 4)
    assert chunks[-1].seconds > 0
    assert "<|" not in output.text


def test_without_a_seed_one_is_drawn_that_repeats_the_answer(engine):
    last = list(engine.chat("first", HELLO, Sampling(max_new_tokens=10)))
    again = list(engine.chat("first", HELLO, Sampling(max_new_tokens=10, seed=last[-1].seed)))
    assert "".join(c.text for c in last) == "".join(c.text for c in again)


def test_stop_and_close_end_an_answer_and_free_the_device(engine):
    long = Sampling(max_new_tokens=200, seed=1)
    stop = threading.Event()
    chunks = engine.chat("first", HELLO, long, stop)
    next(chunks)
    stop.set()
    last = list(chunks)[-1]
    assert (last.finish_reason, last.done) == ("cancelled", True)
    assert last.tokens < 200
    chunks = engine.chat("first", HELLO, long)
    next(chunks)
    chunks.close()
    with lease.turn("next", timeout=20):
        assert lease.holder().name == "next"


def test_every_prompt_gets_its_samples(engine):
    outputs = list(engine.generate("tuned", PROMPTS, SHORT, n=3))
    assert {(o.prompt_index, o.sample) for o in outputs} == {(p, s) for p in range(3) for s in range(3)}
    assert {o.seed for o in outputs} == {4}


@pytest.mark.parametrize("model", ["first", "virtual"])
def test_prompts_of_any_length_are_answered_as_if_alone(engine, model):
    outputs = {o.prompt_index: o.text for o in engine.generate(model, PROMPTS, Sampling(max_new_tokens=8, temperature=0))}
    alone = [next(engine.generate(model, [prompt], Sampling(max_new_tokens=8, temperature=0))).text for prompt in PROMPTS]
    assert [outputs[index] for index in range(3)] == alone


def test_the_whole_call_repeats_with_its_seed(engine):
    first, second = ([o.text for o in engine.generate("first", PROMPTS, SHORT, n=2)] for _ in range(2))
    assert first == second


def test_greedy_samples_are_made_once_and_given_n_times(engine, monkeypatch):
    made = []
    real = generation.generate_batch
    monkeypatch.setattr(generation, "generate_batch", lambda m, t, r, *a: made.extend(r) or real(m, t, r, *a))
    outputs = list(engine.generate("first", PROMPTS, Sampling(max_new_tokens=4, temperature=0), n=3))
    assert (len(made), len(outputs)) == (3, 9)
    assert len({o.text for o in outputs if o.prompt_index == 0}) == 1


def test_a_batch_that_does_not_fit_is_halved_and_gives_the_same(engine, monkeypatch):
    expected = {(o.prompt_index, o.sample): o.text for o in engine.generate("first", PROMPTS, SHORT, n=3)}
    real = generation.generate_batch
    sizes = []

    def small_memory(model, tokenizer, requests, *rest):
        sizes.append(len(requests))
        if len(requests) > 2:
            raise RuntimeError("[enforce fail] not enough memory: you tried to allocate 1 bytes")
        return real(model, tokenizer, requests, *rest)

    monkeypatch.setattr(generation, "generate_batch", small_memory)
    assert {(o.prompt_index, o.sample): o.text for o in engine.generate("first", PROMPTS, SHORT, n=3)} == expected
    assert sizes[:3] == [9, 4, 2]


def test_memory_that_never_suffices_is_said(engine, monkeypatch):
    def none(*_):
        raise RuntimeError("not enough memory")

    monkeypatch.setattr(generation, "generate_batch", none)
    with pytest.raises(ModelError, match="not enough memory for first"):
        list(engine.generate("first", PROMPTS, SHORT))


def test_a_prompt_that_is_too_long_does_not_lose_the_others(engine):
    outputs = {o.prompt_index: o for o in engine.generate("first", [HELLO, [{"role": "user", "content": "hello " * 900}]], SHORT)}
    assert outputs[0].text
    assert outputs[1].finish_reason == "error"
    assert "too long" in outputs[1].error


def test_a_stop_keeps_the_running_batch(engine):
    stop = threading.Event()
    outputs = []
    for output in engine.generate("first", [*PROMPTS, [{"role": "user", "content": "good " * 150}]], Sampling(max_new_tokens=150), 1, stop):
        outputs.append(output)
        stop.set()
    assert 1 <= len(outputs) < 4


def test_a_failing_model_reaches_the_reader_and_frees_the_device(engine, monkeypatch):
    with engine.use("first") as loaded:
        monkeypatch.setattr(loaded.model, "generate", lambda **_: (_ for _ in ()).throw(RuntimeError("weights are odd")))
        del loaded
    with pytest.raises(ModelError, match="first failed while answering: weights are odd"):
        list(engine.chat("first", HELLO, SHORT))
    with lease.turn("next", timeout=20):
        pass


def test_two_models_stay_and_the_oldest_is_freed(engine):
    with engine.use("first") as loaded:
        gone = weakref.ref(loaded.model)
        del loaded
    for name in ("second", "first", "tuned"):
        list(engine.generate(name, [HELLO], SHORT))
    assert engine.loaded() == ["first", "tuned"]
    assert gone() is not None
    list(engine.generate("second", [HELLO], SHORT))
    assert engine.loaded() == ["tuned", "second"]
    gc.collect()
    assert gone() is None
    engine.unload()
    assert engine.loaded() == []


def test_while_a_run_holds_the_device_chat_waits_for_its_offer_or_is_refused(models):
    holding, release, offer = threading.Event(), threading.Event(), threading.Event()

    def run():
        with lease.hold("my-run", "step 3 of 9"):
            holding.set()
            while not release.is_set():
                if offer.is_set():
                    lease.offer()
                offer.wait(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert holding.wait(20)
        impatient = Engine(models, patience=0.1)
        with pytest.raises(BusyError, match=r"my-run \(step 3 of 9\)"):
            list(impatient.chat("first", HELLO, SHORT))
        offer.set()
        assert list(Engine(models).chat("first", HELLO, SHORT))[-1].done
    finally:
        release.set()
        offer.set()
        thread.join(20)


def test_what_cannot_answer_is_refused_at_once(engine):
    with pytest.raises(NotFoundError):
        engine.chat("nobody", HELLO, SHORT)
    with pytest.raises(ModelError, match="labels is a classifier"):
        engine.generate("labels", PROMPTS, SHORT)
    with pytest.raises(ModelError, match="first is not a classifier"):
        engine.classify("first", ["hello"])


def test_a_classifier_gives_probabilities_in_order(engine):
    texts = ["the film is great", "awful", "the film is great " * 400]
    answers = engine.classify("labels", texts)
    assert [set(answer) for answer in answers] == [{"bad", "good"}] * 3
    assert all(sum(answer.values()) == pytest.approx(1) for answer in answers)
    alone = engine.classify("labels", texts[1:2])[0]
    assert answers[1]["good"] == pytest.approx(alone["good"], abs=1e-5)


def test_several_threads_get_their_own_answers(engine):
    expected = {o.prompt_index: o.text for o in engine.generate("first", PROMPTS, Sampling(max_new_tokens=10, temperature=0))}
    found = {}

    def ask(index):
        chunks = engine.chat("first", PROMPTS[index], Sampling(max_new_tokens=10, temperature=0))
        found[index] = "".join(chunk.text for chunk in chunks)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == expected
