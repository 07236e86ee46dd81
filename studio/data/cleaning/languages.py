"""Which language a text is in, and the step that keeps rows of some languages. Works offline: the model comes with py3langid."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, Literal

from studio.data.cleaning.base import Context, RowFunction, StepSettings, words_of
from studio.data.cleaning.parts import PART_HELP, Part, require_part, texts
from studio.data.schema import Row
from studio.errors import DataError
from studio.settings import setting

READ_CHARACTERS = 2000
UNKNOWN = "und"


def detect(text: str) -> tuple[str, float]:
    """The most likely language of a text as an ISO 639-1 code, and how sure that is (0 to 1); `("und", 0.0)` without any letters."""
    sample = text[:READ_CHARACTERS]
    if not any(char.isalpha() for char in sample):
        return UNKNOWN, 0.0
    code, sure = _identifier().classify(sample)
    return str(code), float(sure)


@cache
def languages() -> frozenset[str]:
    """The codes that `detect` knows."""
    return frozenset(_identifier().labels)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


class Language(StepSettings):
    title: ClassVar[str] = "Language"
    summary: ClassVar[str] = "Keeps the rows in some languages and removes the others."

    kind: Literal["language"] = "language"
    keep: str = setting("en", "Languages", "Codes of the languages to keep, such as en, de.", basic=True)
    confidence: float = setting(
        0.5, "Sure from", "A row goes only when its language is at least this likely; short texts are often unclear.", ge=0, le=1
    )
    shortest: int = setting(
        20, "Shortest text", "Rows with fewer letters and signs are too short to tell and stay.", unit="characters", ge=1
    )
    part: Part = setting("all", "Texts", PART_HELP)

    def require(self, kind: str) -> None:
        super().require(kind)
        require_part(kind, self.part, self.title)
        if not words_of(self.keep):
            raise DataError(f"{self.title}: no language is given.", "Give the codes of the languages to keep, such as en, de.")
        if unknown := sorted({word.lower() for word in words_of(self.keep)} - languages()):
            raise DataError(f"{self.title}: there is no language {', '.join(unknown)}.", "Use codes such as en, de, fr or zh.")

    def prepare(self, context: Context) -> RowFunction:
        keep = {word.lower() for word in words_of(self.keep)}

        def change(row: Row) -> Row | None:
            text = "\n".join(texts(row, context.kind, self.part))
            if len(text.strip()) < self.shortest:
                context.counts["too short to tell, kept"] += 1
                return row
            code, sure = detect(text)
            if code in keep:
                return row
            if sure < self.confidence:
                context.counts["unclear, kept"] += 1
                return row
            context.counts[f"removed as {code}"] += 1
            return None

        return change
