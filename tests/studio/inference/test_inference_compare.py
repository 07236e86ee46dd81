"""Comparisons: outputs with their provenance, equal models refused, failures that lose nothing, names and deletion."""

from __future__ import annotations

import threading

import pytest

from studio.errors import DataError, ModelError, NotFoundError
from studio.inference.compare import (
    compare,
    delete_comparison,
    get_comparison,
    list_comparisons,
    rename_comparison,
    restore_comparison,
)
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
    assert (one.provenance["model_id"], one.provenance["round"], one.provenance["system"]) == (tuned.id, 1, "")
    assert (one.provenance["tokens"], one.provenance["finish_reason"]) == (one.tokens, one.finish_reason)
    assert {"temperature", "top_p", "max_new_tokens"} <= one.provenance["sampling"].keys()
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


def test_models_that_compute_the_same_are_refused_by_name(models, engine, tmp_path, model_folders):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    same = AutoModelForCausalLM.from_pretrained(model_folders["first"])
    same.save_pretrained(tmp_path / "copy", max_shard_size="20KB")  # the same weights in other files
    AutoTokenizer.from_pretrained(model_folders["first"]).save_pretrained(tmp_path / "copy")
    add_local(models, tmp_path / "copy", "copy")
    assert get_model(models, "copy").sha256 != get_model(models, "first").sha256
    with pytest.raises(ModelError, match="first and copy give exactly the same probabilities"):
        compare(models, engine, ["first", "second", "copy"], PROMPTS, SHORT)
    assert list_comparisons(models) == []
    assert engine.next_token_hash("first", PROMPTS[0]) != engine.next_token_hash("tuned", PROMPTS[0])


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
    with pytest.raises(ModelError, match="too many"):
        compare(models, engine, ["first"] * 10, PROMPTS, SHORT)
    with pytest.raises(ModelError, match="classifier"):
        compare(models, engine, ["first", "labels"], PROMPTS, SHORT)
    with pytest.raises(NotFoundError):
        compare(models, engine, ["nobody"], PROMPTS, SHORT)
    with pytest.raises(NotFoundError):
        get_comparison(models, 99)


def test_one_prompt_can_be_read_alone(models, engine):
    given = list(compare(models, engine, ["first"], PROMPTS, SHORT, n=2, round=3))
    second = get_comparison(models, given[0].comparison_id, prompt=1)
    assert [c.prompt_index for c in second.candidates] == [1, 1]
    assert (second.outputs, len(second.prompts), second.round) == (4, 2, 3)


def test_a_comparison_is_renamed_deleted_and_brought_back(models, engine):
    number = next(compare(models, engine, ["first"], PROMPTS, SHORT)).comparison_id
    assert rename_comparison(models, number, "  opening  hours ").name == "opening hours"
    with pytest.raises(DataError, match="needs a name"):
        rename_comparison(models, number, "  ")
    delete_comparison(models, number)
    assert list_comparisons(models) == []
    assert [c.name for c in list_comparisons(models, deleted=True)] == ["opening hours"]
    assert restore_comparison(models, number).deleted_at is None
    assert [c.id for c in list_comparisons(models)] == [number]
