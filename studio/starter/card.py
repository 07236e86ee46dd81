"""The model card of the embedded model: its text, with every figure taken from the training, the evaluation and the proofs.

What the card says about strengths and limits is chosen by the figures (`limits`), so it cannot contradict them. Needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from studio.starter import corpus
from studio.starter.domains import DOMAINS
from studio.starter.domains.facts import ANIMAL_FACTS, CAPITALS
from studio.starter.evaluation.tables import between, domains_of, percent, points, report, rows_of
from studio.starter.model import SIZES
from studio.starter.slots import upper

WEIGHTS = "model.safetensors"
WEAK = 0.5
WHERE = ("with known words and wordings", "with new wordings", "with new words")
Figures = dict[str, Any]

CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---

# The embedded starter model

A language model of {parameters:,} parameters ({megabytes:.1f} MB in bfloat16), trained from scratch for this studio, so that every
step of the loop (tune, compare, rank, learn from the rankings) works on a machine with no network and no GPU. It is an average student in a
narrow world of simple English, and open to being taught. {device}

## What it is

Llama architecture: {hidden_size} wide, {num_hidden_layers} layers, {num_attention_heads} heads, an MLP of {intermediate_size}, tied
embeddings, a context of {max_position_embeddings} tokens, a byte-level BPE vocabulary of {vocab_size} with single digits. The chat template
knows system, user and assistant and marks what the assistant says (`generation`), its end of turn included. The special tokens hold control
pictures that nobody types; a program that passes on text from strangers may still want to refuse messages that contain one of
`tokenizer.all_special_tokens`.

## Data

Dialogues that a program of this repository makes up (`studio/starter/domains`). No text and no weights from anywhere else went into it.
The domains of that program with their shares:

{domains}

Five styles (plain, warm, formal, curt, wordy), with a system prompt in part, several turns in part, and about {spoiled} wrong or rude
answers on purpose, so that people who rank outputs find something. A share of the words, names and numbers and of the wordings of the
person is held out from training for the scores below.

It was not taught what the samples in `assets/samples` teach: the shop's house style, its rules and its case numbers, the label `neutral`,
the one-line news format.

## Recipe and cost

`python -m studio.starter.train --out DIR{size} --steps {steps} --seed {seed}`: Muon (0.02, weight decay 0.05) on the matrices,
AdamW (3e-3) on the rest, a cosine, bfloat16 autocast; the loss counts all that the assistant says and 15% of the rest. {steps:,} steps,
{tokens:,} tokens ({per_step:,.0f} a step), {minutes} minutes by the clock{resumed}. The corpus and the order of batches are
functions of the seed.

{history}

## Scores

Known: wordings and words that training used, in combinations that it never saw. New wordings: ways to ask that training never used.
New words: names, numbers and nouns that training never used. An answer is right when it holds every piece that a right answer must hold
(after examples: when it is the very answer; under a system prompt: when it also has the form that was asked for); copied counts
the pieces that only the prompt can give. Shares have Wilson's interval, other scores the bootstrap's.

{report}

Measured with `python -m studio.starter.evaluate --model assets/starter`, seed {evaluation_seed}; all figures, with an example of each
domain, are in `evaluation.json`. `python -m studio.starter.evaluate --model assets/starter --show 20` prints what it says when sampled.
{proofs}
## Limits

{limits}

## Licence and hash

Apache-2.0. SHA-256 of `{weights}`: `{digest}`
"""


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def device_line(training: Figures) -> str:
    """Where it was trained."""
    device = training.get("device", "CPU")
    return f"Trained on: {device}; no GPU was used." if device.startswith("CPU") else f"Trained on: {device}."


def domain_lines(evaluation: Figures) -> str:
    """What each domain that was scored holds, in the words of its module, and its share of the corpus."""
    total = sum(weight for _, weight in DOMAINS.values())
    lines = []
    for name in domains_of(evaluation):
        script, weight = DOMAINS[name]
        summary = (sys.modules[script.__module__].__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
        lines.append(f"- {name} ({weight / total:.0%}): {summary}")
    return "\n".join(lines)


def history_table(history: list[dict[str, float]], rows: int = 6) -> str:
    """The loss along the training, in a few rows."""
    if not history:
        return ""
    chosen = sorted({round(number * (len(history) - 1) / (rows - 1)) for number in range(rows)})
    lines = ["| step | training loss | loss with new words | loss with new wordings |", "|---|---|---|---|"]
    for row in (history[number] for number in chosen):
        lines.append(f"| {row['step']:,.0f} | {row['loss']:.3f} | {row['slots']:.3f} | {row['templates']:.3f} |")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """A figure with its 95 % interval, or a text as it is."""
    if isinstance(value, dict):
        return f"{value['value']:.0%} ({100 * value['low']:.0f} to {100 * value['high']:.0f})"
    return str(value).replace("|", "\\|")


def proofs_section(proofs: list[Figures]) -> str:
    """What each sample changed in the model: a row a measure, then how to measure it again."""
    if not proofs:
        return ""
    lines = ["| sample | what is measured | before | after | rows |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(_cell(row[key]) for key in ('sample', 'what', 'before', 'after', 'rows'))} |" for row in proofs]
    commands = dict.fromkeys(row["command"] for row in proofs)
    again = "\n".join(f"- `{command}`" for command in commands)
    told = (
        "Held-out rows, drawn anew by the generators of the samples; shares with their 95 % interval. New words and new wordings are "
        "those that neither the sample nor the training of this model has."
    )
    return f"\n## Before and after tuning\n\n{told}\n\n" + "\n".join(lines) + f"\n\nMeasured with:\n\n{again}\n"


def _accuracy_limits(evaluation: Figures) -> list[str]:
    means = ", ".join(f"{between(row['accuracy'])} {where}" for where, row in zip(WHERE, evaluation["means"], strict=True))
    lines = [f"Right answers over all domains: {means}."]
    for position, where in enumerate(WHERE):
        shares = [(rows_of(evaluation, domain)[position]["accuracy"]["share"], domain) for domain in domains_of(evaluation)]
        weak = ", ".join(f"{domain} ({percent(share)})" for share, domain in sorted(shares) if share < WEAK)
        if weak:
            lines.append(f"More than half of its answers are wrong {where} in: {weak}.")
    return lines


def _ability_limits(evaluation: Figures) -> list[str]:
    """Sentences about stories, examples and refusals with the figures of both held-out splits."""
    lines = []
    for where, position in ((WHERE[1], 1), (WHERE[2], 2)):
        story, shots, refusal = (evaluation[section][position] for section in ("stories", "few_shot", "refusals"))
        gain = shots["gain"]
        sure = "helps" if gain["low"] > 0 else "harms" if gain["high"] < 0 else "makes no difference that these questions could show"
        lines.append(
            f"{upper(where)}: {percent(1 - story['consistent']['share'])} of its stories lose a name or the goal; showing it "
            f"{shots['examples']} examples {sure}: {points(gain)}; it answers {percent(1 - refusal['unknown_refused']['share'])} of the "
            f"questions that it cannot know, and refuses {percent(refusal['answerable_refused']['share'])} of those that it could answer."
        )
    return lines


def limits(evaluation: Figures, context: int) -> str:
    """What it cannot do, said by the figures."""
    lines = [
        *_accuracy_limits(evaluation),
        *_ability_limits(evaluation),
        f"Of the world it was told {len(CAPITALS)} capitals, a few facts about {len(ANIMAL_FACTS)} animals, opposites and the days of the "
        "week. Outside its domains it answers fluently and wrongly.",
        "It has no safety training. Do not put it before customers as it is.",
        f"Prompt and answer together must fit into {context} tokens.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def card(folder: Path, training: Figures, evaluation: Figures, proofs: list[Figures]) -> str:
    """The text of the model card."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shape = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings", "vocab_size")
    return CARD.format(
        megabytes=(folder / WEIGHTS).stat().st_size / 1e6,
        device=device_line(training),
        domains=domain_lines(evaluation),
        spoiled=percent(corpus.WRONG_SHARE + corpus.RUDE_SHARE),
        size="".join(f" --size {name}" for name, known in SIZES.items() if known.hidden == config["hidden_size"]),
        per_step=training["tokens"] / training["steps"],
        resumed=f", resumed from its checkpoint {training['resumed']} times" if training["resumed"] else "",
        history=history_table(training["history"]),
        evaluation_seed=evaluation["seed"],
        report=report(evaluation),
        proofs=proofs_section(proofs),
        limits=limits(evaluation, config["max_position_embeddings"]),
        weights=WEIGHTS,
        digest=sha256(folder / WEIGHTS),
        **{key: config[key] for key in shape},
        **{key: training[key] for key in ("parameters", "seed", "steps", "tokens", "minutes")},
    )
