"""How a version of a dataset was made, in words for the page and the command line; a new kind of step gets a line in `step_words`."""

from __future__ import annotations

from typing import Any


def plural(number: int, noun: str) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def step_words(step: dict[str, Any]) -> str:
    """How a version was made, in words."""
    kind = step.get("kind") or step.get("name") or "made"
    counts = step.get("counts", {})
    if kind == "import":
        aside = f", {counts['set_aside']:,} set aside" if counts.get("set_aside") else ""
        return f"from {step.get('file', 'a file')}{aside}"
    if kind == "resplit":
        split = step.get("split", {})
        return f"divided anew from {step.get('from', 'the version before')}, seed {split.get('seed')}"
    if kind == "edit":
        done = [f"{counts[name]:,} {name}" for name in ("edited", "added", "removed") if counts.get(name)]
        return f"rows changed by hand: {', '.join(done) or 'none'}"
    if kind == "restore":
        return f"{step.get('from', 'an older version')} restored"
    if kind == "clean":
        done = [plural(counts.get("removed", 0), "row") + " removed", plural(counts.get("changed", 0), "change")]
        return f"cleaned from {step.get('from', 'the version before')}: {', '.join(done)}"
    if kind == "votes":
        rule = {"majority": ", by majority", "adjudicated": ", disagreements settled"}.get(str(step.get("rule")), "")
        return f"{plural(counts.get('read', 0), 'judgement')} of {' and '.join(step.get('projects', []))}{rule}"
    if kind == "add conversations":
        return f"{plural(int(step.get('added', 0)), 'conversation')} added from Chat"
    return augment_words(step) if kind == "augment" else str(kind)


def augment_words(step: dict[str, Any]) -> str:
    """How an augmented version was made, in words: `67 rows added (balance the classes)`."""
    from studio.data.augment.settings import STEPS

    counts, way = step.get("counts", {}), str(step.get("settings", {}).get("kind", ""))
    if way == "drafts":
        skipped = step.get("skipped") or 0
        rest = f"; {plural(skipped, 'other')} left, since the rows that they were made from are gone" if skipped else ""
        return f"{plural(int(counts.get('added', 0)), 'draft')} of a model added{rest}"
    done = [f"{plural(counts[name], 'row')} {word}" for name, word in (("added", "added"), ("removed", "left out")) if counts.get(name)]
    titles = {str(each.model_fields["kind"].default): each.title.lower() for each in STEPS}
    return f"{', '.join(done) or 'no row added'} ({titles.get(way, way)})"
