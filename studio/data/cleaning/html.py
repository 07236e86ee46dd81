"""HTML in texts: found by the names of its tags, so that `a < b` and `List<int>` are left alone, and read as a browser would show it."""

from __future__ import annotations

import html
import re
from typing import ClassVar, Literal

from studio.data.cleaning.base import Context, RowFunction, StepSettings
from studio.data.cleaning.parts import PART_HELP, Part, require_part, rewritten
from studio.settings import setting

TAGS = (
    "a|abbr|address|article|aside|audio|b|blockquote|body|br|button|canvas|center|cite|code|col|colgroup|dd|del|details|div|dl|dt|em|embed|"
    "fieldset|figcaption|figure|font|footer|form|h1|h2|h3|h4|h5|h6|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|"
    "mark|meta|nav|noscript|object|ol|option|p|param|picture|pre|q|s|samp|script|section|select|small|source|span|strike|strong|style|sub|"
    "summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|time|title|tr|tt|u|ul|video"
)
LINES = [
    "address",
    "article",
    "aside",
    "body",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "footer",
    "form",
    "header",
    "html",
    "li",
    "main",
    "nav",
    "section",
    "tr",
]
PARAGRAPHS = ["blockquote", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "table", "ul"]
UNSEEN = ("script", "style", "head", "noscript", "iframe", "object", "svg")

TAG = re.compile(rf"</?(?:{TAGS})(?=[\s/>])[^<>]*>|<!--|<!doctype\b", re.IGNORECASE)
LOOSE = re.compile(rf"<(?!/?(?:{TAGS})(?=[\s/>])[^<>]*>|!--|!doctype\b)", re.IGNORECASE)
ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")
CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
LINE, PARAGRAPH = "\x1e", "\x1f"  # separators: where a browser begins a new line, or leaves a gap
GAPS = re.compile(rf"\s*[{LINE}{PARAGRAPH}][\s{LINE}{PARAGRAPH}]*")


def has_html(text: str) -> bool:
    """Whether a text holds HTML tags or comments."""
    return "<" in text and TAG.search(text) is not None


def strip_html(text: str, keep_code: bool = True, links: bool = False) -> str:
    """The text that a browser would show for it; a text without tags keeps its layout, and only entities such as &amp; are read.

    With `keep_code`, HTML in Markdown code stays; with `links`, the address of a link stands in brackets behind its text.
    """
    if "<" not in text and "&" not in text:
        return text
    if keep_code and "`" in text:
        pieces = CODE.split(text)
        return "".join(piece if index % 2 else _stripped(piece, links, trim=False) for index, piece in enumerate(pieces))
    return _stripped(text, links, trim=True)


def _stripped(text: str, links: bool, trim: bool) -> str:
    if not has_html(text):
        return ENTITY.sub(lambda found: html.unescape(found[0]), text)
    from bs4 import BeautifulSoup
    from bs4.element import NavigableString, PreformattedString

    text = text.replace(LINE, "").replace(PARAGRAPH, "")
    tree = BeautifulSoup(LOOSE.sub("&lt;", text), "html.parser")
    for unseen in tree(UNSEEN):
        unseen.decompose()
    for special in tree.find_all(string=lambda string: isinstance(string, PreformattedString)):  # comments, doctypes
        special.extract()
    for tag in tree.find_all(True):
        if tag.name == "br":
            tag.replace_with(NavigableString("\n"))
        elif tag.name == "a" and links and str(tag.get("href", "")).startswith(("http://", "https://", "mailto:")):
            tag.append(NavigableString(f" ({tag['href']})"))
        elif tag.name == "li":
            tag.insert(0, NavigableString("- "))
        elif tag.name in ("td", "th"):
            tag.append(NavigableString(" "))
        if tag.name in LINES or tag.name in PARAGRAPHS:
            gap = PARAGRAPH if tag.name in PARAGRAPHS else LINE
            tag.insert_before(NavigableString(gap))
            tag.insert_after(NavigableString(gap))
    shown = GAPS.sub(lambda found: "\n\n" if PARAGRAPH in found[0] else "\n", tree.get_text())
    if trim:
        return shown.strip()
    ends = (text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :])
    return ends[0] + shown.strip() + ends[1]


class StripHTML(StepSettings):
    title: ClassVar[str] = "Strip HTML"
    summary: ClassVar[str] = "Takes HTML tags out and leaves the text that a browser would show."

    kind: Literal["strip_html"] = "strip_html"
    keep_code: bool = setting(True, "Keep code", "HTML inside Markdown code stays as it is.", basic=True)
    links: bool = setting(False, "Keep addresses", "The address of a link is kept in brackets behind its text.")
    part: Part = setting("all", "Texts", PART_HELP)

    def require(self, kind: str) -> None:
        super().require(kind)
        require_part(kind, self.part, self.title)

    def prepare(self, context: Context) -> RowFunction:
        return lambda row: rewritten(row, context.kind, self.part, lambda text: strip_html(text, self.keep_code, self.links))
