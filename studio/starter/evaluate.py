"""Scores the embedded model by domain: `python -m studio.starter.evaluate --model assets/starter [--count 40]`.

Each domain is asked in new combinations of what training used (`train`, another seed), with held-out wordings (`templates`)
and with held-out words (`slots`), greedily, the earlier turns given as the corpus has them. An answer is right when it holds
every piece that the corpus says a right answer holds. Copying counts the pieces that only the prompt can give. Perplexity is
that of what the assistant says. The scores land in `evaluation.json` beside the weights, in the order of the domains.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.starter.batches import held_out_batches
from studio.starter.corpus import dialogue
from studio.starter.dialogue import Dialogue, Exchange, Message
from studio.starter.domains import DOMAINS
from studio.starter.slots import Split

SEED = 101
BATCH = 20
SPLITS: tuple[Split, ...] = ("train", "templates", "slots")


@dataclass(frozen=True)
class Item:
    """One question to the model: the conversation up to it, and what a right answer holds."""

    messages: list[Message]
    exchange: Exchange


def items(domain: str, split: Split, count: int) -> list[Item]:
    """`count` questions that have a rule to be checked by."""
    found: list[Item] = []
    index = 0
    while len(found) < count:
        talk = dialogue(SEED, index, split, domain)
        index += 1
        offset = len(talk.messages) - 2 * len(talk.exchanges)
        for number, exchange in enumerate(talk.exchanges):
            if exchange.must or exchange.copied:
                found.append(Item(list(talk.messages[: offset + 2 * number + 1]), exchange))
    return found[:count]


@torch.no_grad()
def answers(model: Any, tokenizer: Any, prompts: Sequence[list[Message]], limit: int = 120) -> list[str]:
    """The greedy answer to each prompt."""
    tokenizer.padding_side = "left"
    texts = [tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True) for prompt in prompts]
    found: list[str] = []
    for start in range(0, len(texts), BATCH):
        batch = tokenizer(texts[start : start + BATCH], return_tensors="pt", padding=True, add_special_tokens=False)
        batch.pop("token_type_ids", None)
        output = model.generate(**batch, max_new_tokens=limit, do_sample=False, temperature=None, top_p=None)
        found += tokenizer.batch_decode(output[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return found


def holds(answer: str, pieces: Sequence[str]) -> list[bool]:
    """For each piece whether the answer has it, whatever the case of the letters."""
    return [piece.strip().lower() in answer.lower() for piece in pieces]


@torch.no_grad()
def perplexity(model: Any, tokenizer: Any, talks: list[Dialogue]) -> float:
    """The perplexity of what the assistant says."""
    total, count = 0.0, 0
    for batch in held_out_batches(tokenizer, talks):
        logits = model(input_ids=batch.ids).logits[batch.counted].float()
        total += float(functional.cross_entropy(logits, batch.ids.roll(-1, dims=1)[batch.counted], reduction="sum"))
        count += int(batch.counted.sum())
    return math.exp(total / count)


def score(model: Any, tokenizer: Any, domain: str, split: Split, count: int) -> dict[str, Any]:
    """Accuracy, copy accuracy (none where nothing is to be copied) and perplexity of one domain in one split."""
    asked = items(domain, split, count)
    said = answers(model, tokenizer, [item.messages for item in asked])
    right = [all(holds(answer, (*item.exchange.must, *item.exchange.copied))) for item, answer in zip(asked, said, strict=True)]
    copied = [hit for item, answer in zip(asked, said, strict=True) for hit in holds(answer, item.exchange.copied)]
    talks = [dialogue(SEED, index, split, domain) for index in range(count)]
    return {
        "domain": domain,
        "split": split,
        "questions": len(asked),
        "accuracy": round(sum(right) / len(right), 3),
        "copied": round(sum(copied) / len(copied), 3) if copied else None,
        "perplexity": round(perplexity(model, tokenizer, talks), 3),
        "example": {"prompt": asked[0].messages[-1]["content"], "answer": said[0]},
    }


def evaluate(folder: Path, count: int = 40) -> dict[str, Any]:
    """All domains in all splits, and the means of each."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    rows = [score(model, tokenizer, domain, split, count) for domain in DOMAINS for split in SPLITS]
    means = {split: round(sum(r["accuracy"] for r in rows if r["split"] == split) / len(DOMAINS), 3) for split in SPLITS}
    return {"seed": SEED, "questions_each": count, "decoding": "greedy", "mean_accuracy": means, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """The scores as a Markdown table, a line a domain."""
    lines = [
        "| domain | right: known | new wordings | new words | copied: known | new wordings | new words | perplexity of the three |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by_key = {(row["domain"], row["split"]): row for row in result["rows"]}
    for domain in DOMAINS:
        rows = [by_key[domain, split] for split in SPLITS]
        cells = [f"{row['accuracy']:.0%}" for row in rows]
        cells += ["-" if row["copied"] is None else f"{row['copied']:.0%}" for row in rows]
        lines.append(f"| {domain} | {' | '.join(cells)} | {' / '.join(format(row['perplexity'], '.2f') for row in rows)} |")
    means = " | ".join(f"{result['mean_accuracy'][split]:.0%}" for split in SPLITS)
    return "\n".join([*lines, f"| mean | {means} | | | | |"])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Score the embedded model by domain.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40, help="questions a domain and split")
    given = parser.parse_args()
    result = evaluate(given.model, given.count)
    (given.model / "evaluation.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(result))


if __name__ == "__main__":
    main()
