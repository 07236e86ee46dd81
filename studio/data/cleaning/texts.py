"""Steps that mend the form of texts: Unicode, broken encodings, white space, line ends, and replacements of the person's own.

What looks like layout stays: indentation, and everything inside ``` code blocks. To mend another thing, add a switch and a line to
`Normalise`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import model_validator

from studio.data.cleaning.base import Context, RowFunction, StepSettings
from studio.data.cleaning.parts import PART_HELP, Part, require_part, rewritten
from studio.data.schema import Row
from studio.errors import DataError
from studio.settings import setting

if TYPE_CHECKING:
    import regex  # type: ignore[import-untyped]

CODE = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z))", re.DOTALL)
SPACES = re.compile(r"(?<=[^\s])[ \t]{2,}(?=[^\s])")
LINE_TAILS = re.compile(r"[ \t]+(?=\n|\Z)")
LEADING_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
INDENTED = re.compile(r"[ \t]+\S[^\n]*\n[ \t]")
BLANK_LINES = re.compile(r"\n{3,}")
INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad\ufdd0-\ufddf\ufffe\uffff]")
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
ODD_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
PLAIN = re.compile(r"[\x20-\x7e\n]*")

PATTERN_SECONDS = 1.0
LONGEST_GROWTH = 1_000_000


class Normalise(StepSettings):
    title: ClassVar[str] = "Tidy the text"
    summary: ClassVar[str] = "Mends broken encodings, Unicode forms, stray spaces, blank lines and line ends."

    kind: Literal["normalise"] = "normalise"
    mojibake: bool = setting(True, "Mend encodings", "Text that was read with the wrong encoding (â€™ for ’) is put right.", basic=True)
    unicode: Literal["NFC", "NFKC", "off"] = setting(
        "NFC", "Unicode form", "NFC: one code for each accented letter; NFKC: also plain letters for stylised ones; off: as it is."
    )
    invisible: bool = setting(True, "Invisible characters", "Zero-width and control characters go; special spaces become plain ones.")
    quotes: bool = setting(False, "Straight quotes", "Curly quotation marks become straight ones.")
    line_ends: bool = setting(True, "Line ends", "All line ends become a plain newline.")
    spaces: bool = setting(True, "Spaces", "Several spaces between words become one; indentation and code blocks stay.", basic=True)
    blank_lines: bool = setting(True, "Blank lines", "Several blank lines become one; code blocks stay.")
    trim: bool = setting(True, "Trim", "White space at both ends of a text and at the ends of lines goes.", basic=True)
    part: Part = setting("all", "Texts", PART_HELP)

    def require(self, kind: str) -> None:
        super().require(kind)
        require_part(kind, self.part, self.title)

    def prepare(self, context: Context) -> RowFunction:
        return lambda row: rewritten(row, context.kind, self.part, self.tidy)

    def tidy(self, text: str) -> str:
        """One text, tidied."""
        if not PLAIN.fullmatch(text):
            text = self._mended(text)
        if self.line_ends and "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if self.trim and text[:1].isspace():
            text = LEADING_LINES.sub("", text)
            text = text if INDENTED.match(text) else text.lstrip()
        if self.trim:
            text = text.rstrip()
        if self.trim or self.spaces or self.blank_lines:
            text = self._laid_out(text) if "```" in text or "~~~" in text else self._outside_code(text)
        return text

    def _mended(self, text: str) -> str:
        import ftfy

        if self.mojibake or self.quotes:
            text = ftfy.fix_text(
                text,
                unescape_html=False,
                remove_terminal_escapes=self.invisible,
                fix_encoding=self.mojibake,
                restore_byte_a0=self.mojibake,
                replace_lossy_sequences=self.mojibake,
                decode_inconsistent_utf8=self.mojibake,
                fix_c1_controls=self.mojibake,
                fix_latin_ligatures=False,
                fix_character_width=False,
                uncurl_quotes=self.quotes,
                fix_line_breaks=False,
                fix_surrogates=True,
                remove_control_chars=False,
                normalization=None,
            )
        if self.unicode != "off":
            text = unicodedata.normalize(self.unicode, text)
        if self.invisible:
            text = ODD_SPACES.sub(" ", INVISIBLE.sub("", text))
            text = CONTROLS.sub("", text)
        return text

    def _laid_out(self, text: str) -> str:
        """The text with what stands outside code blocks tidied."""
        pieces = CODE.split(text)
        return "".join(piece if index % 2 else self._outside_code(piece) for index, piece in enumerate(pieces))

    def _outside_code(self, text: str) -> str:
        if self.trim and "\n" in text:
            text = LINE_TAILS.sub("", text)
        if self.spaces and ("  " in text or "\t" in text):
            text = SPACES.sub(" ", text)
        if self.blank_lines and "\n\n\n" in text:
            text = BLANK_LINES.sub("\n\n", text)
        return text


class Replace(StepSettings):
    title: ClassVar[str] = "Replace text"
    summary: ClassVar[str] = "Replaces a text, or what a regular expression finds, by another."

    kind: Literal["replace"] = "replace"
    pattern: str = setting("", "Find", "The text to find, or a regular expression.", basic=True, max_length=2000)
    replacement: str = setting("", "Replace by", "What takes its place; \\1 is the expression's first group.", basic=True, max_length=2000)
    expression: bool = setting(True, "Regular expression", "Off: the text is looked for as it stands.", basic=True)
    ignore_case: bool = setting(False, "Ignore case", "Capital and small letters count as equal.")
    part: Part = setting("all", "Texts", PART_HELP)
    drop: bool = setting(False, "Remove rows instead", "Rows in which the text is found are removed.")

    @model_validator(mode="after")
    def _compiles(self) -> Replace:
        import regex

        try:
            self._compiled()
            if self.expression:
                regex.compile(f"{self.pattern}|").sub(
                    self.replacement, ""
                )  # it matches, so groups that the replacement names are looked up
        except (regex.error, IndexError) as error:
            raise ValueError(f"this is no regular expression that can be used: {error}") from error
        return self

    def require(self, kind: str) -> None:
        super().require(kind)
        require_part(kind, self.part, self.title)
        if not self.pattern:
            raise DataError(f"{self.title}: there is nothing to find.", "Fill in the text or the expression to find.")

    def _compiled(self) -> regex.Pattern[str]:
        import regex

        pattern = self.pattern if self.expression else regex.escape(self.pattern)
        return regex.compile(pattern, regex.IGNORECASE if self.ignore_case else 0)

    def prepare(self, context: Context) -> RowFunction:
        compiled = self._compiled()
        replacement = self.replacement if self.expression else self.replacement.replace("\\", r"\\")

        def replaced(text: str) -> str:
            try:
                new, count = compiled.subn(replacement, text, timeout=PATTERN_SECONDS)
            except TimeoutError as error:
                raise DataError(
                    f"{self.title}: the expression {self.pattern!r} takes more than {PATTERN_SECONDS:g} second for one text.",
                    "Make it simpler: avoid repetitions inside repetitions, such as (a+)+.",
                ) from error
            if len(new) > len(text) * 10 + LONGEST_GROWTH:
                raise DataError(
                    f"{self.title}: a text would grow to {len(new):,} characters.", "Check the expression; it may match nothing."
                )
            context.counts["places found"] += count
            return new

        def change(row: Row) -> Row | None:
            before = context.counts["places found"]
            new = rewritten(row, context.kind, self.part, replaced)
            if self.drop:
                return None if context.counts["places found"] > before else row
            return new

        return change
