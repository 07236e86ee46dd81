"""What the Augment tab says: ways, fields, previews, problems, drafts as a person corrects them. Without a page."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app import augment_view as view
from app import dataset_drafts as review
from studio.data import store
from studio.data.augment import drafts
from studio.data.augment.apply import AugmentPreview, augment, preview
from studio.data.augment.settings import Balance
from studio.data.schema import Row
from studio.data.step_words import step_words
from studio.errors import DataError
from studio.inference.writing import Written
from studio.workspace import Workspace

EVIL = "<img src=x onerror=window.pwned=1>"


def _chat(question: str, answer: str) -> Row:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def test_the_ways_are_those_that_suit_the_rows() -> None:
    named = {kind: [name for _, name in view.ways(kind)] for kind in ("chat", "labelled", "text", "ranking")}
    assert named["chat"] == ["noise", "system_prompts", "paraphrase", "examples"]
    assert named["labelled"] == ["noise", "balance", "paraphrase", "examples"]
    assert named["text"] == ["paraphrase", "examples"]
    assert named["ranking"] == ["noise", "system_prompts"], "nobody wrote answers to rank for a new prompt"
    assert [name for name in view.WAYS if view.writes(name)] == ["paraphrase", "examples"]
    assert not view.writes(None)


def test_every_way_has_a_sentence_and_fields_with_help() -> None:
    for name, way in view.WAYS.items():
        assert way.summary.endswith(".")
        specs = view.specs_of(name)
        assert specs
        assert all(spec.help.endswith(".") for spec in specs)
        assert not {spec.path for spec in specs} & {"kind", "sampling"}


def test_a_preview_says_how_the_labels_change(workspace: Workspace) -> None:
    rows = [{"text": f"fine {i}", "label": "good"} for i in range(9)] + [{"text": "poor", "label": "bad"}] * 3
    ref = store.add_version(workspace, "reviews", "labelled", {"train": rows}, {}).ref
    shown = view.preview_html(preview(workspace, ref, Balance()))
    assert "12 training rows would become 18: 6 added." in shown
    cell = '<td class="number">'
    assert f'<td class="">bad</td>{cell}3</td>{cell}9</td>' in shown
    assert "pair" not in shown, "a repeated row looks like its source, and is not shown twice"
    assert "12 training rows would become 6: 6 left out." in view.preview_html(preview(workspace, ref, Balance(method="under")))
    version = augment(workspace, ref, Balance())
    assert step_words(version.step) == "6 rows added (balance the classes)"
    assert "Nothing would change" in view.preview_html(preview(workspace, version.ref, Balance()))


def test_what_people_wrote_is_text_in_a_preview() -> None:
    seen = AugmentPreview(2, 1, 0, {EVIL: 1}, {EVIL: 2}, [({"text": EVIL, "label": EVIL}, {"text": EVIL.upper(), "label": EVIL})])
    shown = view.preview_html(seen)
    assert "<img" not in shown.lower()
    assert shown.count("&lt;img src=x") == 4
    assert "&lt;IMG SRC=X" in shown


@pytest.mark.parametrize(
    ("way", "values", "field", "words"),
    [
        ("noise", {"share": 7}, "augment-noise-share", "less than or equal to 1"),
        ("balance", {"strength": 0}, "augment-balance-strength", "greater than 0"),
        ("paraphrase", {"rows": 2.5}, "augment-paraphrase-rows", "integer"),
        ("examples", {"sampling": {"top_p": 3}}, "augment-sampling-top-p", "less than or equal to 1"),
    ],
)
def test_a_wrong_value_is_told_at_its_field(way: str, values: Row, field: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        view.WAYS[way].model_validate(values)
    found = view.problems_of(caught.value, way)
    assert list(found) == [field]
    assert words in found[field]
    assert found[field].endswith(".")


def test_a_draft_is_corrected_where_a_model_wrote() -> None:
    assert review.texts_of({"text": "fine", "label": "good"}) == ("fine", "")
    assert review.corrected({"text": "fine", "label": "good"}, " finer ", "") == {"text": "finer", "label": "good"}
    chat = {"messages": [{"role": "system", "content": "Be brief."}, *_chat("Where?", "Here.")["messages"]]}
    assert review.texts_of(chat) == ("Where?", "Here.")
    better = review.corrected(chat, "Where is it?", "There.")
    assert [message["content"] for message in better["messages"]] == ["Be brief.", "Where is it?", "There."]
    assert chat["messages"][1]["content"] == "Where?", "the draft itself is left alone"
    prompt = {"prompt": [{"role": "user", "content": "Where?"}]}
    assert review.texts_of(prompt) == ("Where?", "")
    assert review.corrected(prompt, "Where to?", "")["prompt"][0]["content"] == "Where to?"


@pytest.mark.parametrize(("text", "answer", "words"), [("  ", "Here.", "draft is empty"), ("Where?", " ", "answer is empty")])
def test_an_emptied_draft_is_refused(text: str, answer: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        review.corrected(_chat("Where?", "Here."), text, answer)


def test_the_words_of_drafts_count_and_escape(workspace: Workspace) -> None:
    source = _chat(EVIL, "Here.")
    ref = store.add_version(workspace, "chats", "chat", {"train": [source]}, {}).ref
    ids = [drafts.propose(workspace, ref, _chat(f"Where {i}?", "Here."), source, "paraphrase", "tiny") for i in range(4)]
    assert "4 to review</span>" in review.words_of(drafts.drafts(workspace, ref, None))
    drafts.judge(workspace, ids[:2], "accepted")
    drafts.judge(workspace, ids[2:3], "rejected")
    found = drafts.drafts(workspace, ref, None)
    assert "1 to review, 2 accepted, 1 rejected" in review.words_of(found)
    shown = review.source_html(found[0])
    assert "Paraphrase by tiny, made from this row" in shown
    assert "<img" not in shown
    version = drafts.add_accepted(workspace, ref)
    assert step_words(version.step) == "2 drafts of a model added"


def test_the_words_of_writing_say_what_was_dropped_and_that_it_was_stopped() -> None:
    assert view.written_words(Written(1, 0)) == "1 new draft to review."
    assert "3 dropped, because they were empty or repeat what is there" in view.written_words(Written(2, 3))
    assert view.written_words(Written(0, 0), stopped=True) == "Stopped. No new draft."
