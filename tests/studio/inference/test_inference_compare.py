"""Comparisons: outputs with their provenance, equal weights refused, failures that lose nothing."""

from __future__ import annotations

import threading

import pytest

from studio.errors import ModelError, NotFoundError
from studio.inference.compare import compare, get_comparison, list_comparisons
from studio.inference.sampling import Sampling
from studio.models.registry import add_local, get_model

PROMPTS = [[{"role": "user", "content": text}] for text in ("hello", "where is my parcel order")]
SHORT = Sampling(max_new_tokens=8)


def test_every_output_is_stored_with_what_it_takes_to_make_it_again(models, engine):
    given = list(compare(models, engine, ["first", "tuned"], PROMPTS, SHORT, n=2))
    assert {(c.model, c.prompt_index, c.sample) for c in given} == {(m, p, s) for m in ("first", "tuned") for p in (0, 1) for s in (0, 1)}
    stored = get_comparison(models, given[0].comparison_id)
    assert stored.candidates == given
    assert (stored.name, stored.models, stored.prompts, stored.n) == ("hello", ["first", "tuned"], PROMPTS, 2)
    one = stored.candidates[-1]
    base, tuned = get_model(models, "first"), get_model(models, "tuned")
    assert (one.provenance["sha256"], one.provenance["base"], one.provenance["base_sha256"]) == (tuned.sha256, "first", base.sha256)
    assert len(one.provenance["template_sha256"]) == 64
    again = list(engine.generate(one.model, PROMPTS, Sampling(**one.provenance["sampling"]), 2))
    assert next(o.text for o in again if (o.prompt_index, o.sample) == (one.prompt_index, one.sample)) == one.text
    assert {c.provenance["seed"] for c in given} == {stored.sampling.seed}


def test_models_with_equal_weights_are_refused_by_name(models, engine, tmp_path, model_folders):
    import shutil

    shutil.copytree(model_folders["first"], tmp_path / "twin")
    add_local(models, tmp_path / "twin", "twin")
    with pytest.raises(ModelError, match="first and twin have the same weights"):
        compare(models, engine, ["first", "twin"], PROMPTS, SHORT)
    with pytest.raises(ModelError, match="first and first"):
        compare(models, engine, ["first", "first"], PROMPTS, SHORT)
    assert list_comparisons(models) == []


def test_identical_outputs_are_kept_and_marked(models, engine):
    given = list(compare(models, engine, ["first"], PROMPTS, Sampling(max_new_tokens=6, temperature=0), n=3))
    firsts = {c.prompt_index: c.id for c in given if c.duplicate_of is None}
    assert len(given) == 6
    assert len(firsts) == 2
    assert all(c.duplicate_of == firsts[c.prompt_index] for c in given if c.duplicate_of)
    assert [c.duplicate_of for c in get_comparison(models, given[0].comparison_id).candidates] == [c.duplicate_of for c in given]


def test_a_model_that_fails_does_not_lose_the_others(models, engine, tmp_path, model_folders):
    import shutil

    shutil.copytree(model_folders["second"], tmp_path / "broken")
    add_local(models, tmp_path / "broken", "broken")
    shutil.rmtree(tmp_path / "broken")
    given = list(compare(models, engine, ["first", "broken", "third"], PROMPTS, SHORT))
    assert [c.model for c in given] == ["first"] * 2 + ["broken"] * 2 + ["third"] * 2
    assert {c.finish_reason for c in given if c.model == "broken"} == {"error"}
    assert all("broken" in c.error for c in given if c.model == "broken")
    assert all(c.text and not c.error for c in given if c.model != "broken")


def test_a_stop_keeps_what_there_is(models, engine):
    stop = threading.Event()
    given = []
    for candidate in compare(models, engine, ["first", "second"], PROMPTS, SHORT, stop=stop):
        given.append(candidate)
        stop.set()
    assert {c.model for c in given} == {"first"}
    assert get_comparison(models, given[0].comparison_id).candidates == given


def test_outputs_are_there_while_others_still_come(models, engine):
    running = compare(models, engine, ["first", "second"], PROMPTS, SHORT, name="mine")
    first = next(running)
    assert get_comparison(models, first.comparison_id).candidates == [first]
    assert [(c.name, c.outputs) for c in list_comparisons(models)] == [("mine", 1)]
    running.close()


def test_nothing_to_compare_is_said(models, engine):
    with pytest.raises(ModelError, match="no prompt"):
        compare(models, engine, ["first"], [], SHORT)
    with pytest.raises(ModelError, match="No model"):
        compare(models, engine, [], PROMPTS, SHORT)
    with pytest.raises(NotFoundError):
        compare(models, engine, ["nobody"], PROMPTS, SHORT)
    with pytest.raises(NotFoundError):
        get_comparison(models, 99)
