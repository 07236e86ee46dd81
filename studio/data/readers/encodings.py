"""Which encoding a text file is in: by its byte-order mark, by whether it is UTF-8, else by what its bytes look like."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

SAMPLE_BYTES = 1 << 20
CHUNK_BYTES = 1 << 20
GUESSED_BYTES = 1 << 16
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
EAST_ASIAN = {"gb18030", "gb2312", "gbk", "big5", "big5hkscs", "cp949", "cp932", "cp950", "euc_kr", "euc_jp", "shift_jis", "johab"}
NON_LATIN = {
    "cp1251",
    "koi8_r",
    "koi8_u",
    "mac_cyrillic",
    "cp866",
    "iso8859_5",
    "cp1253",
    "iso8859_7",
    "cp1255",
    "iso8859_8",
    "cp1256",
    "iso8859_6",
}


@dataclass(frozen=True)
class Encoding:
    """`codec` is Python's name; `note` says what was decided when it is not plain UTF-8; `broken` counts bytes that are not UTF-8."""

    codec: str
    note: str = ""
    broken: int = 0


def detect(path: Path) -> Encoding:
    """The encoding of a text file. A few bad bytes in an otherwise good UTF-8 file do not change the verdict (`broken` counts them)."""
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    for mark, codec in MARKS:
        if head.startswith(mark):
            return Encoding(codec, "" if codec == "utf-8-sig" else f"Read as {codec.upper()}.")
    if codec := utf16_without_mark(head):
        return Encoding(codec, f"Read as {codec.upper()}, judging by its zero bytes.")
    good, broken = _count_utf8(path)
    if not broken or broken * 20 <= good:
        return Encoding("utf-8", f"{broken} bytes are not valid UTF-8." if broken else "", broken)
    codec = _guess(path)
    return Encoding(codec, f"Not UTF-8; read as {codec}.")


def utf16_without_mark(head: bytes) -> str:
    """UTF-16 without a byte-order mark has a zero in every other byte of Western text."""
    sample = head[: 4096 // 2 * 2]
    if len(sample) < 4 or b"\0" not in sample:
        return ""
    half = len(sample) / 2
    even, odd = sample[::2].count(0) / half, sample[1::2].count(0) / half
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.05 else ""


def _count_utf8(path: Path) -> tuple[int, int]:
    """How many characters beyond ASCII are valid UTF-8, and how many bytes are not."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = broken = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            text = decoder.decode(chunk)
            if text.isascii():
                continue
            escaped = len(text.encode("utf-8", "replace")) - len(text.encode("utf-8", "ignore"))
            broken += escaped
            good += len(text) - len(text.encode("ascii", "ignore")) - escaped
        broken += len(decoder.decode(b"", final=True))
    return good, broken


def _guess(path: Path) -> str:
    """The likely single- or multi-byte encoding; Western ones are read as Windows-1252, which holds Latin-1's letters."""
    from charset_normalizer import from_bytes

    sample = b""
    with path.open("rb") as file:
        for line in file.read(SAMPLE_BYTES).splitlines(keepends=True)[:-1] or [path.read_bytes()[:SAMPLE_BYTES]]:
            if len(sample) < GUESSED_BYTES and not line.isascii():
                sample += line
    best = from_bytes(sample).best()
    codec = best.encoding if best else "cp1252"
    if codec in EAST_ASIAN | NON_LATIN:
        return codec
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
