"""Zip and gzip: what is inside is unpacked into a folder, under a cap on what it may grow to, and read from there.

Names inside an archive are never used as paths. An archive that tries to (with `..`, absolute names, links) is refused, and so is one that
grows without measure.
"""

from __future__ import annotations

import gzip
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from studio.data.readers.columnar import Cap, too_large
from studio.errors import DataError

CHUNK_BYTES = 1 << 20
SPARED_BYTES = 512 << 20
MOST_MEMBERS = 1000
NOISE = ("__MACOSX", "Thumbs.db", "desktop.ini")
PAPERS = ("readme", "license", "licence", "notice", "copying", "citation", "changelog")
NESTED = (".zip", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")


def unpack_gzip(path: Path, folder: Path) -> Path:
    """The file inside a .gz, under its name without .gz."""
    inner = folder / Path(path.stem).name
    if not inner.suffix:
        raise DataError(
            f"The name {path.name} does not say what is inside.", "Name it after its content, for example rows.jsonl.gz or table.csv.gz."
        )
    if inner.suffix.lower() in NESTED:
        raise DataError(f"{path.name} holds another archive ({inner.name}).", "Unpack it and choose the files inside.")
    try:
        with gzip.open(path) as packed, inner.open("wb") as out:
            _copy(packed, out, Cap(path), folder)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} cannot be unpacked: {error}.", "The file may be cut short; get it again.") from error
    return inner


def unpack_zip(path: Path, folder: Path, readable: Iterable[str]) -> tuple[list[tuple[str, Path]], list[str]]:
    """The files of an archive that have a readable extension, with their names in it, and notes about those left out."""
    readable = set(readable)
    cap = Cap(path)
    unpacked: list[tuple[str, Path]] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members, notes = _chosen(path.name, archive.infolist(), readable)
            if sum(member.file_size for member in members) > cap.most:
                raise too_large(path.name, sum(member.file_size for member in members))
            for number, member in enumerate(members):
                target = folder / str(number) / PurePosixPath(member.filename).name
                target.parent.mkdir()
                with archive.open(member) as packed, target.open("wb") as out:
                    _copy(packed, out, cap, folder)
                unpacked.append((member.filename, target))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{path.name} cannot be unpacked: {error}.", "The archive may be damaged; unpack it and choose its files."
        ) from error
    return unpacked, notes


def _chosen(name: str, members: list[zipfile.ZipInfo], readable: set[str]) -> tuple[list[zipfile.ZipInfo], list[str]]:
    """The members to read, by name, and notes about the others. Raises `DataError` for an archive that plays tricks or has none."""
    if len(members) > MOST_MEMBERS:
        raise DataError(
            f"{name} holds {len(members):,} files; at most {MOST_MEMBERS:,} are read at once.", "Split it into several archives."
        )
    files = []
    for member in members:
        _refuse_tricks(name, member)
        pieces = PurePosixPath(member.filename).parts
        if not member.is_dir() and not any(piece in NOISE or piece.startswith(".") for piece in pieces):
            files.append(member)
    wanted = [member for member in files if PurePosixPath(member.filename).suffix.lower() in readable]
    tables = [member for member in wanted if not PurePosixPath(member.filename).stem.casefold().startswith(PAPERS)]
    chosen = sorted(tables or wanted, key=lambda member: member.filename)
    left = [member.filename for member in files if member not in chosen]
    if not chosen:
        held = ", ".join(left[:10]) or "nothing"
        raise DataError(f"{name} holds no file that can be read; it holds {held}.", "Unpack it and choose the files inside.")
    notes = [f"Left out of the archive: {', '.join(left[:10])}{' and others' if len(left) > 10 else ''}."] if left else []
    return chosen, notes


def _refuse_tricks(name: str, member: zipfile.ZipInfo) -> None:
    """Raise `DataError` for names that lead out of the archive, links, and what is locked with a password."""
    inside = PurePosixPath(member.filename.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or (inside.parts and inside.parts[0].endswith(":")):
        raise DataError(
            f"{name} holds a file whose name leads out of the archive ({member.filename!r}).", "Do not trust it; nothing was unpacked."
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise DataError(f"{name} holds a link ({member.filename!r}) instead of a file.", "Pack the files themselves.")
    if member.flag_bits & 1:
        raise DataError(f"{name} is locked with a password.", "Unpack it and choose the files inside.")


def _copy(packed: IO[bytes] | gzip.GzipFile, out: IO[bytes], cap: Cap, folder: Path) -> None:
    """Unpack piece by piece; stops where the cap or the disk is full."""
    while chunk := packed.read(CHUNK_BYTES):
        cap.add(len(chunk))
        if shutil.disk_usage(folder).free < SPARED_BYTES:
            raise DataError(f"There is not enough room on the disk to unpack {cap.name}.", "Free some space and try again.")
        out.write(chunk)
