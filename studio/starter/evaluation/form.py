"""Whether an answer has the form that its system prompt asks for: a first or last word, a signature, one word only.

What is asked for is recognised by the wordings of the domain `system`, so a new wording there needs no change here.
"""

from __future__ import annotations

import re

from studio.starter.domains import system_wordings as wordings

PLACED = (*wordings.BEGIN_SYSTEM, *wordings.END_SYSTEM, *wordings.SIGN_SYSTEM)
ONE_WORD = (*wordings.WORD_SYSTEM, *wordings.YES_SYSTEM)


def placed_words(system: str) -> list[str]:
    """The words that a system prompt wants at the beginning or at the end of every answer."""
    found = []
    for wording in PLACED:
        pattern = re.escape(wording).replace(re.escape("{w}"), r"(\w+)")
        found += re.findall(pattern, system)
    return found


def keeps_form(answer: str, reference: str, system: str) -> bool:
    """Whether the answer begins and ends with the wanted words where the reference does, and is one word if that is wanted."""
    said, expected = (text.strip().strip(".,?").lower() for text in (answer, reference))
    if any(wording in system for wording in ONE_WORD) and len(said.split()) != 1:
        return False
    words = [word.lower() for word in placed_words(system)]
    begins = all(said.startswith(word) for word in words if expected.startswith(word))
    return begins and all(said.endswith(word) for word in words if expected.endswith(word))
