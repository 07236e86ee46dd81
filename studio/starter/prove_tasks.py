"""The proofs: what tuning on each shipped sample changes, measured on rows that the sample does not hold.

Each proof goes the way that a person goes: import the sample, train a shipped recipe with a few fields changed, ask the base and the
tuned model. Held-out rows come from the sample's own generator, a third each in new combinations of known words and wordings (`train`,
another seed), with wordings (`templates`) and with words (`slots`) that neither the sample nor the base's training has. To prove another
sample, add a function to `PROOFS` and its recipe to `SETTINGS`.
"""

from __future__ import annotations

import csv
import json
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from studio.data import store
from studio.data.mapping import Mapping
from studio.inference.sampling import Sampling
from studio.session import Messages, Studio
from studio.starter.evaluation.metrics import bootstrap, f1, holds, mean, rouge_l
from studio.starter.prove_checks import is_warm, share, summary_marks, support_marks
from studio.starter.samples import STYLED, summaries
from studio.starter.samples_reviews import LABELS, reviews
from studio.starter.samples_support import conversations
from studio.starter.slots import Slots, Split
from studio.workspace import assets_dir

SEED = 2026
SPLITS: tuple[Split, ...] = ("train", "templates", "slots")
SPLIT_WORDS: dict[Split, str] = {"train": "new conversations", "slots": "new words", "templates": "new wordings"}
BASE = "starter"
MISSES = 8
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "support": ("chat-lora", {"optim.learning_rate": 0.004, "optim.epochs": 5}),
    "sentiment": ("sentiment-lora", {}),
    "summaries": ("completion-lora", {}),
    "preferences": (
        "preference-dpo",
        {
            "data.max_rows": 48,
            "optim.learning_rate": 0.0005,
            "optim.epochs": 5,
            "method.beta": 0.2,
            "method.sft_weight": 1.0,
        },
    ),
}
"""For each sample the shipped recipe and the fields that its proof changes."""


@dataclass
class Proof:
    """One figure of one sample: `before` and `after` hold value, low, high and `of` (how many were counted), `command` trains the same.

    `by_split` has the values after by split, `misses` a few of the answers after that were not right.
    """

    sample: str
    what: str
    before: dict[str, float]
    after: dict[str, float]
    rows: int = 0
    seconds: float = 0.0
    command: str = ""
    by_split: dict[str, float] = field(default_factory=dict)
    misses: list[dict[str, str]] = field(default_factory=list)


class Bench:
    """A workspace to prove things in. `count` questions a split are asked; `changes` are further fields of the recipe, by dotted path."""

    def __init__(self, studio: Studio, folder: Path, count: int, changes: dict[str, str] | None = None) -> None:
        self.studio, self.folder, self.count, self.changes = studio, folder, count, changes or {}
        self.samples = assets_dir() / "samples"

    def trained(self, sample: Path) -> tuple[str, int, str]:
        """Import the sample and train its recipe: the model, the rows it was trained on, and the commands that do the same."""
        name = sample.stem
        preset, settled = SETTINGS[name]
        changes = settled | self.changes
        version = self.studio.import_data(sample, name)
        fields = {path.replace(".", "__"): value for path, value in changes.items()}
        run = self.studio.train(self.studio.recipe(preset, name=f"{name}-tuned", data=version.dataset, **fields))
        words = [part for path, value in changes.items() for part in (f"--{path}", str(value))]
        load = shlex.join(["luthier", "data", "import", f"assets/samples/{sample.name}", "--name", name])
        train = shlex.join(["luthier", "train", preset, "--name", f"{name}-tuned", "--data.sources", name, *words])
        return str(run.model), int(run.summary["rows"]), f"{load} && {train}"

    def held_out(self, name: str, text: str, suffix: str, mapping: Mapping | None = None) -> list[dict[str, Any]]:
        """Rows in the format of a sample, read as the sample is read."""
        file = self.folder / f"{name}-held-out{suffix}"
        file.write_text(text, encoding="utf-8")
        version = self.studio.import_data(file, f"{name}-held-out", mapping, validation=0.0)
        return store.rows(self.studio.workspace, version.ref, "train", 0, version.rows)

    def answers(self, model: str, prompts: list[Messages], tokens: int = 96, temperature: float = 0.0, n: int = 1) -> list[list[str]]:
        """`n` answers to each prompt, in their order."""
        found: list[list[str]] = [[""] * n for _ in prompts]
        sampling = Sampling(temperature=temperature, top_p=1.0, max_new_tokens=tokens, seed=SEED)
        for output in self.studio.engine.generate(model, prompts, sampling, n):
            found[output.prompt_index][output.sample] = output.text
        return found


def prove_support(bench: Bench) -> list[Proof]:
    """The share of answers to customers that follow the house's policy and style."""
    sample = bench.samples / "support.jsonl"
    asked: list[tuple[Split, Messages, str]] = []
    for split in SPLITS:
        mine = [turn for talk in conversations(SEED, bench.count, split) for turn in _turns(talk)]
        asked += [(split, prompt, answer) for prompt, answer in mine[: bench.count]]
    prompts = [prompt for _, prompt, _ in asked]

    references = [reference for _, _, reference in asked]

    def said(model: str) -> list[str]:
        return [answer for (answer,) in bench.answers(model, prompts)]

    before = said(BASE)
    model, rows, command = bench.trained(sample)
    after = said(model)
    marks = [[support_marks(answer, reference) for answer, reference in zip(found, references, strict=True)] for found in (before, after)]
    splits = [split for split, _, _ in asked]
    proofs = _by_split("support", "policy and style", splits, marks[0], marks[1], rows, command)
    proofs += _shares("support", splits, marks[0], marks[1], rows, command)[1:]
    return _with_misses(proofs, prompts, after, references, marks[1], "policy and style")


def _turns(talk: Messages) -> Iterator[tuple[Messages, str]]:
    """The turns that have a rule to follow, each with what stands before it; thanks at the end have none."""
    for index, message in enumerate(talk):
        if message["role"] == "assistant" and not message["content"].startswith("You are welcome"):
            yield talk[:index], message["content"]


def prove_sentiment(bench: Bench) -> list[Proof]:
    """Accuracy and F1 on reviews: the base says which label it finds likeliest, the tuned model is a classifier."""
    sample = bench.samples / "sentiment.csv"
    with sample.open(encoding="utf-8", newline="") as file:
        known = {row["text"] for row in csv.DictReader(file)}
    for split in SPLIT_WORDS:
        drawn = [row for row in reviews(SEED, bench.count, split) if row[0] not in known]
        text = "".join(json.dumps({"text": row[0], "label": row[1]}) + "\n" for row in drawn)
        bench.held_out(f"sentiment-{split}", text, ".jsonl")

    def pairs(model: str, split: Split) -> list[tuple[str, str]]:
        report = bench.studio.evaluate(model, f"sentiment-{split}-held-out", "train")
        names = list(report.by_class)
        counted = [
            (true, said, count) for true, line in zip(names, report.confusion, strict=True) for said, count in zip(names, line, strict=True)
        ]
        return [(true, said) for true, said, count in counted for _ in range(count)]

    before = {split: pairs(BASE, split) for split in SPLIT_WORDS}
    model, rows, command = bench.trained(sample)
    after = {split: pairs(model, split) for split in SPLIT_WORDS}
    proofs = []
    for split, words in SPLIT_WORDS.items():
        shares = [share([true == said for true, said in found[split]]).as_dict() for found in (before, after)]
        words = words.replace("conversations", "reviews")
        proofs.append(Proof("sentiment", f"accuracy, {words}", shares[0], shares[1], rows, command=command))
        proofs.append(Proof("sentiment", f"F1 (macro), {words}", _f1(before[split]), _f1(after[split]), rows, command=command))
    return proofs


def _f1(pairs: list[tuple[str, str]]) -> dict[str, float]:
    def statistic(chosen: list[int]) -> float:
        expected, predicted = zip(*(pairs[i] for i in chosen), strict=True)
        return mean([f1(expected, predicted, label) for label in LABELS])

    low, high = bootstrap(len(pairs), statistic)
    return {"value": round(statistic(list(range(len(pairs)))), 4), "low": round(low, 4), "high": round(high, 4), "of": len(pairs)}


def prove_summaries(bench: Bench) -> list[Proof]:
    """The share of texts summed up in the one-line form with the right place and day, and ROUGE-L with the reference."""
    sample = bench.samples / "summaries.json"
    known = {row["input"] for row in json.loads(sample.read_text(encoding="utf-8"))}
    drawn = [(split, row) for split in SPLITS for row in summaries(SEED, bench.count, split) if row["input"] not in known]
    rows_asked = bench.held_out("summaries", json.dumps([row for _, row in drawn]), ".json")
    prompts = [row["messages"][:-1] for row in rows_asked]
    references = [row["messages"][-1]["content"] for row in rows_asked]

    def said(model: str) -> list[str]:
        return [answer for (answer,) in bench.answers(model, prompts)]

    before = said(BASE)
    model, rows, command = bench.trained(sample)
    after = said(model)
    marks = [[summary_marks(answer, reference) for answer, reference in zip(found, references, strict=True)] for found in (before, after)]
    overlaps = [
        _means([rouge_l(answer, reference) for answer, reference in zip(found, references, strict=True)]) for found in (before, after)
    ]
    proofs = _shares("summaries", [split for split, _ in drawn], marks[0], marks[1], rows, command)
    proofs = _with_misses(proofs, prompts, after, references, marks[1])
    return [*proofs, Proof("summaries", "ROUGE-L", overlaps[0], overlaps[1], rows, command=command)]


def _means(values: list[float]) -> dict[str, float]:
    low, high = bootstrap(len(values), lambda chosen: mean([values[i] for i in chosen]))
    return {"value": round(mean(values), 4), "low": round(low, 4), "high": round(high, 4), "of": len(values)}


SAMPLES_A_PROMPT = 2
TEMPERATURE = 0.8


def prove_preferences(bench: Bench) -> list[Proof]:
    """The share of warm answers among sampled ones, and the share that still holds what a right answer holds."""
    sample = bench.samples / "preferences.jsonl"
    known = {json.loads(line)["prompt"].lower() for line in sample.read_text(encoding="utf-8").splitlines()}
    asked = [(split, *item) for split in SPLITS for item in _questions(split, bench.count, known)]
    prompts: list[Messages] = [[{"role": "user", "content": prompt}] for _, prompt, _ in asked]

    def marks(model: str) -> list[dict[str, bool]]:
        said = bench.answers(model, prompts, 80, TEMPERATURE, SAMPLES_A_PROMPT)
        found = []
        for (_, _, pieces), answers in zip(asked, said, strict=True):
            for answer in answers:
                found.append({"warm": is_warm(answer), **({"content": all(holds(answer, pieces))} if pieces else {})})
        return found

    before = marks(BASE)
    model, rows, command = bench.trained(sample)
    splits = [split for split, _, _ in asked for _ in range(SAMPLES_A_PROMPT)]
    return _shares("preferences", splits, before, marks(model), rows, command)


def _questions(split: Split, count: int, known: set[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Questions of the kinds that the sample has, with the pieces that a right answer holds in whatever style."""
    rng = Random(f"{SEED}/preferences/{split}")
    found: dict[str, tuple[str, ...]] = {}
    while len(found) < count:
        script, draw = rng.choice(STYLED), rng.random()
        warm, curt = (script(Slots(Random(draw), split), style)[0] for style in ("warm", "curt"))
        if warm.user == curt.user and not warm.context and warm.user.lower() not in known:
            pieces = (*warm.must, *warm.copied)
            found[warm.user] = tuple(piece for piece, there in zip(pieces, holds(curt.answer, pieces), strict=True) if there)
    return list(found.items())


def _shares(
    sample: str, splits: list[Split], before: list[dict[str, bool]], after: list[dict[str, bool]], rows: int, command: str
) -> list[Proof]:
    """A proof for each mark, in their order."""
    names = dict.fromkeys(name for marks in (*before, *after) for name in marks)
    proofs = []
    for name in names:
        shares = [share([marks[name] for marks in found if name in marks]).as_dict() for found in (before, after)]
        by_split: dict[str, float] = {
            split: round(
                share([marks[name] for mine, marks in zip(splits, after, strict=True) if mine == split and name in marks]).value, 4
            )
            for split in dict.fromkeys(splits)
        }
        proofs.append(Proof(sample, name, shares[0], shares[1], rows, command=command, by_split=by_split))
    return proofs


def _by_split(
    sample: str, name: str, splits: list[Split], before: list[dict[str, bool]], after: list[dict[str, bool]], rows: int, command: str
) -> list[Proof]:
    """A proof of one mark for each split: what a sample teaches carries over to new words sooner than to new wordings."""
    found = []
    for split, words in SPLIT_WORDS.items():
        shares = [
            share([marks[name] for mine, marks in zip(splits, each, strict=True) if mine == split]).as_dict() for each in (before, after)
        ]
        found.append(Proof(sample, f"{name}, {words}", shares[0], shares[1], rows, command=command))
    return found


def _with_misses(
    proofs: list[Proof], prompts: list[Messages], answers: list[str], references: list[str], marks: list[dict[str, bool]], name: str = ""
) -> list[Proof]:
    """The proofs, the first of them with the first answers that lack its mark, or the mark of that name."""
    first = proofs[0]
    for prompt, answer, reference, mark in zip(prompts, answers, references, marks, strict=True):
        if not mark[name or first.what] and len(first.misses) < MISSES:
            first.misses.append({"asked": prompt[-1]["content"], "said": answer, "right": reference})
    return proofs


PROOFS: dict[str, Callable[[Bench], list[Proof]]] = {
    "support": prove_support,
    "sentiment": prove_sentiment,
    "summaries": prove_summaries,
    "preferences": prove_preferences,
}


def prove(bench: Bench, sample: str) -> list[Proof]:
    """The figures of one sample, with the time that they took together."""
    started = time.monotonic()
    proofs = PROOFS[sample](bench)
    seconds = round(time.monotonic() - started, 1)
    for proof in proofs:
        proof.seconds = seconds
    return proofs
