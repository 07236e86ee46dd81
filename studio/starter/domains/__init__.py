"""One module a domain, each with `script(slots, style) -> list[Exchange]`. A new domain is a file here and a line below.

The weight is the domain's share of the corpus, in parts.
"""

from __future__ import annotations

from studio.starter.dialogue import Script
from studio.starter.domains import (
    about,
    context,
    facts,
    fewshot,
    greetings,
    news,
    reviews,
    rewriting,
    stories,
    sums,
    support,
    system,
    unknown,
    writing,
)

DOMAINS: dict[str, tuple[Script, int]] = {
    "greetings": (greetings.script, 10),
    "support": (support.script, 20),
    "reviews": (reviews.script, 13),
    "news": (news.script, 13),
    "stories": (stories.script, 10),
    "rewriting": (rewriting.script, 8),
    "sums": (sums.script, 9),
    "facts": (facts.script, 9),
    "context": (context.script, 10),
    "writing": (writing.script, 7),
    "unknown": (unknown.script, 5),
    "about": (about.script, 4),
    "fewshot": (fewshot.script, 12),
    "system": (system.script, 10),
}
