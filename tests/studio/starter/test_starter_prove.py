"""The proofs of the samples: what counts as right, on answers written by hand, and that each proof runs from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.starter import prove
from studio.starter.prove_checks import is_warm, rules_in, share, summary_marks, support_marks
from studio.starter.prove_tasks import PROOFS, SETTINGS, Proof
from studio.starter.samples import preferences
from studio.starter.samples_support import conversations

REFUND = (
    "Fernhill Goods, good to hear from you, Mia. Your case is FH-4711. "
    "We refund within 21 days of delivery, and the money is back in 3 days. Ines, Fernhill Goods"
)
RULE = "We refund within 21 days of delivery, and the money is back in 3 days."
OTHER_RULE = "You can cancel until 6 pm on the day of the order."


def marks(answer: str, reference: str = REFUND) -> set[str]:
    """The marks that are missing."""
    return {name for name, there in support_marks(answer, reference).items() if not there}


def test_an_answer_of_the_house_has_all_marks() -> None:
    assert marks(REFUND) == set()
    assert marks(REFUND + "\n") == set()


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        (REFUND.replace("Fernhill Goods, good to hear from you, Mia. ", ""), {"opening"}),
        (REFUND.replace("FH-4711", "FH-4771"), {"case number"}),
        (REFUND.replace("Your case is FH-4711. ", ""), {"case number"}),
        (REFUND.replace("21 days", "14 days"), {"rule"}),
        (REFUND.replace(RULE, OTHER_RULE), {"rule"}),
        (REFUND.removesuffix(" Ines, Fernhill Goods"), {"signature"}),
        ("I have asked for the refund of order 4711.", {"opening", "case number", "rule", "signature"}),
    ],
)
def test_each_fault_is_named(answer: str, missing: set[str]) -> None:
    assert marks(answer) == missing | {"policy and style", "exact"}


def test_a_wrong_name_follows_the_policy_but_is_not_exact() -> None:
    assert marks(REFUND.replace("Mia", "Max")) == {"exact"}


def test_the_rule_counts_whatever_thing_it_names_and_two_rules_are_not_one() -> None:
    assert rules_in("We exchange it free of charge, and the right teapot leaves today.") == ["wrong item"]
    both = REFUND.replace(RULE, f"{OTHER_RULE} {RULE}")
    assert "rule" in marks(both)


def test_a_question_without_an_order_has_no_case_number() -> None:
    reference = (
        "Fernhill Goods, good to hear from you. Our invoices go out every Friday, and a copy is on its way to you. Ines, Fernhill Goods"
    )
    assert marks(reference, reference) == set()
    invented = reference.replace("Our invoices", "Your case is FH-1. Our invoices")
    assert marks(invented, reference) == {"case number", "policy and style", "exact"}


def test_asking_for_the_number_is_right_only_where_it_is_missing() -> None:
    asks = "Fernhill Goods, good to hear from you. Send me your order number and I will open a case for you. Ines, Fernhill Goods"
    assert marks(asks, asks) == set()
    assert "rule" in marks(asks)
    assert "rule" in marks(REFUND, asks)


def test_every_answer_of_the_sample_is_right_by_these_rules() -> None:
    for talk in conversations(5, 100):
        for message in talk:
            if message["role"] == "assistant" and not message["content"].startswith("You are welcome"):
                assert all(support_marks(message["content"], message["content"]).values())


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        ("Corvale, Monday: Mia found an old lamp.", set()),
        ("Corvale, Monday: somebody did something.", set()),
        ("Corvale, Tuesday: Mia found an old lamp.", {"day"}),
        ("Corvall, Monday: Mia found an old lamp.", {"place"}),
        ("Mia found an old lamp in Corvale on Monday.", {"form", "place", "day"}),
        ("Corvale, Monday: Mia found an old lamp.\nIt was old.", {"form", "place", "day"}),
    ],
)
def test_a_summary_has_its_form_its_place_and_its_day(answer: str, missing: set[str]) -> None:
    found = {name for name, there in summary_marks(answer, "Corvale, Monday: Mia found an old lamp.").items() if not there}
    assert found == (missing | {"form, place and day"} if missing else set())


@pytest.mark.parametrize(
    ("answer", "warm"),
    [
        ("Of course, I am happy to help. A cat has four legs.", True),
        ("What fun, a wedding. Here are three ideas:\n- Tell stories.", True),
        ("A cat has four legs. I hope that helps.", True),
        ("A cat has four legs.", False),
        ("Certainly. A cat has four legs. I trust that this answers your question.", False),
        ("Hello Mia, nice to meet you.", False),
        ("Four.", False),
    ],
)
def test_warmth_is_what_it_says(answer: str, warm: bool) -> None:
    assert is_warm(answer) is warm


def test_warmth_tells_the_two_answers_of_the_sample_apart() -> None:
    pairs = preferences(3, 150)
    assert sum(is_warm(pair["chosen"]) for pair in pairs) >= 0.9 * len(pairs)
    assert sum(is_warm(pair["rejected"]) for pair in pairs) <= 0.02 * len(pairs)


def test_a_share_has_its_interval() -> None:
    found = share([True] * 9 + [False]).as_dict()
    assert (found["value"], found["hits"], found["of"]) == (0.9, 9, 10)
    assert 0.55 < found["low"] < 0.65
    assert 0.97 < found["high"] < 1.0


@pytest.mark.parametrize("sample", list(PROOFS))
def test_each_proof_runs_from_import_to_answers(
    sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "proofs.json"
    monkeypatch.setattr(
        "sys.argv",
        ["prove", "--only", sample, "--count", "1", "--set", "optim.max_steps=1", "--set", "evaluation.samples=0", "--json", str(file)],
    )
    prove.main()
    proofs = [Proof(**entry) for entry in json.loads(file.read_text())]
    assert {proof.sample for proof in proofs} == {sample}
    for proof in proofs:
        assert 0 <= proof.after["low"] <= proof.after["value"] <= proof.after["high"] <= 1
        assert proof.rows > 0
        assert f"luthier train {SETTINGS[sample][0]}" in proof.command
    said = capsys.readouterr().out
    assert f"| {sample} | {proofs[0].what} |" in said
    assert f"luthier data import assets/samples/{sample}" in said
