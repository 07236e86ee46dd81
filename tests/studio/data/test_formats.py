"""Files of all sorts are read as a sensible person would, and what cannot be read is set aside with its line and the reason."""

from __future__ import annotations

import gzip
import io
import json
import stat
import struct
import zipfile
import zlib
from datetime import date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.data import formats
from studio.data.formats import ReadSettings, open_source, read_file
from studio.data.readers.source import MAX_ROW_CHARACTERS
from studio.data.readers.workbook import sheet_names
from studio.errors import DataError

TABLE = 'text#label\n"a ""quoted"", text\nover two lines"#good\nplain é#bad\n'
ROWS = [{"text": 'a "quoted", text\nover two lines', "label": "good"}, {"text": "plain é", "label": "bad"}]


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiter_and_encoding_are_found_out(tmp_path, encoding, delimiter, newline):
    text = TABLE.replace("#", delimiter)
    table = read_file(write(tmp_path, "table.csv", text.replace("\n", newline).encode(encoding)))
    assert [{key: value.replace("\r\n", "\n") for key, value in row.items()} for row in table.rows] == ROWS
    assert table.columns == ["text", "label"]


def test_other_scripts(tmp_path):
    chinese = "編號,名稱\n" + "".join(f"{i},景點特色詳細文字簡述開放時間\n" for i in range(20))
    assert read_file(write(tmp_path, "big5.csv", chinese.encode("big5"))).columns == ["編號", "名稱"]
    russian = "text,label\n" + "".join(f"Это хороший фильм {i}, мне он понравился,да\n" for i in range(20)).replace(", мне", " мне")
    assert read_file(write(tmp_path, "ru.csv", russian.encode("cp1251"))).rows[0]["text"] == "Это хороший фильм 0 мне он понравился"


def test_a_bad_byte_does_not_spoil_the_other_rows(tmp_path):
    lines = ["text,label"] + [f"schön {i},good" for i in range(50)]
    content = "\n".join(lines).encode().replace("schön 7".encode(), b"sch\xf6n 7")
    table = read_file(write(tmp_path, "table.csv", content))
    assert table.rows[0]["text"] == "schön 0"
    assert "1 bytes are not valid UTF-8" in table.notes[0]


def test_rows_that_do_not_fit_are_set_aside_with_their_line(tmp_path):
    content = 'text,label\nfine,good\ntoo,many,values\n"never closed,good\nstill fine,bad\nshort\n"closed" with more,good\n'
    table = read_file(write(tmp_path, "table.csv", content))
    assert [row["text"] for row in table.rows] == ["fine", "still fine", "short", "closed with more"]
    assert [(bad.line) for bad in table.bad_rows] == [3, 4]
    assert "3 values where there are 2 columns" in table.bad_rows[0].reason
    assert "quote" in table.bad_rows[1].reason
    assert table.lines == [2, 5, 6, 7]


def test_lines_before_the_header_and_missing_headers(tmp_path):
    padded = "A title over the table,,\n,,\ntext,label,\ngreat,good,\nawful,bad,\n"
    table = read_file(write(tmp_path, "padded.csv", padded))
    assert table.columns == ["text", "label"]
    assert table.rows[0] == {"text": "great", "label": "good"}
    assert "before the table were skipped" in table.notes[0]
    numbers = read_file(write(tmp_path, "numbers.csv", "1,2\n3,4\n"))
    assert numbers.columns == ["column_1", "column_2"]
    assert len(numbers.rows) == 2
    told = read_file(write(tmp_path, "told.csv", "sep=;\na,b;c\n1;2\n"))
    assert told.columns == ["a,b", "c"]
    assert told.lines == [3]


def test_json_lines_with_bad_lines(tmp_path):
    good = json.dumps({"text": "a"})
    table = read_file(write(tmp_path, "rows.jsonl", f"{good}\n\n{{broken\n[1]\n3\n{good}\n" + "[" * 100_000 + "\n"))
    assert len(table.rows) == 2
    assert table.lines == [1, 6]
    assert [bad.line for bad in table.bad_rows] == [3, 4, 5, 7]


@pytest.mark.parametrize(
    "value",
    [
        [{"text": "a"}, {"text": "b"}],
        {"version": 1, "data": [{"text": "a"}, {"text": "b"}]},
        {"text": ["a", "b"]},
        ["a", "b"],
    ],
)
@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_documents(tmp_path, value, name, indent):
    table = read_file(write(tmp_path, name, json.dumps(value, indent=indent)))
    if name == "rows.jsonl" and indent is None and isinstance(value, dict):
        assert table.rows == [value]
    else:
        assert table.rows == [{"text": "a"}, {"text": "b"}]


def test_json_lines_called_json(tmp_path):
    assert len(read_file(write(tmp_path, "rows.json", '{"a": 1}\n{"a": 2}\n')).rows) == 2


def test_columns_in_json(tmp_path):
    table = read_file(write(tmp_path, "rows.json", json.dumps({"a": [1, 2], "b": ["x", "y"]})))
    assert table.rows == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_parquet(tmp_path):
    pq.write_table(pa.table({"text": [f"t{i}" for i in range(5000)]}), tmp_path / "rows.parquet")
    assert len(read_file(tmp_path / "rows.parquet").rows) == 5000
    assert len(read_file(tmp_path / "rows.parquet", limit_rows=3).rows) == 3


def test_a_parquet_file_that_grows_without_end_is_refused(tmp_path):
    """A few kilobytes on disk that would fill gigabytes of memory."""
    column = pa.chunked_array([pa.array(["x" * 10_000] * 1000)] * 40)
    pq.write_table(pa.table({"text": column}), tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 1_000_000
    with pytest.raises(DataError, match="grows to more than"):
        read_file(tmp_path / "bomb.parquet")


def test_a_parquet_file_of_few_values_and_many_rows_is_refused(tmp_path):
    numbers = pa.array([0]).take(pa.array([0] * 3_000_000, pa.int32()))
    pq.write_table(pa.table({"a": numbers, "b": numbers.cast(pa.string()).dictionary_encode()}), tmp_path / "bomb.parquet")
    assert (tmp_path / "bomb.parquet").stat().st_size < 100_000
    with pytest.raises(DataError, match="grows to more than"):
        read_file(tmp_path / "bomb.parquet")


def test_plain_text(tmp_path):
    table = read_file(write(tmp_path, "book.txt", "one\n\n  two\r\nthree"))
    assert [row["text"] for row in table.rows] == ["one", "  two", "three"]
    assert table.lines == [1, 3, 4]


def test_only_the_first_rows(tmp_path):
    content = "text\n" + "".join(f"row {i}\n" for i in range(100))
    assert len(read_file(write(tmp_path, "rows.csv", content), limit_rows=10).rows) == 10
    assert len(read_file(write(tmp_path, "rows.txt", content), limit_rows=10).rows) == 10
    lines = "".join(json.dumps({"a": i}) + "\n" for i in range(100))
    assert len(read_file(write(tmp_path, "rows.jsonl", lines), limit_rows=10).rows) == 10


def test_paragraphs_sections_and_whole_files(tmp_path):
    book = write(tmp_path, "book.txt", "Once upon\na time.\n\nThere was\na king\nwith a crown.\n")
    table = read_file(book)
    assert [row["text"] for row in table.rows] == ["Once upon\na time.", "There was\na king\nwith a crown."]
    assert table.lines == [1, 4]
    assert "paragraph" in table.notes[0]
    assert len(read_file(book, settings=ReadSettings(text_rows="line")).rows) == 5
    assert len(read_file(book, settings=ReadSettings(text_rows="file")).rows) == 1
    manual = write(tmp_path, "manual.md", "# Manual\n\n## Install\nRun it.\n\n```\n# no heading\n```\n## Use\nPress it.\n")
    table = read_file(manual)
    assert [row["text"] for row in table.rows] == ["# Manual\n\n## Install\nRun it.\n\n```\n# no heading\n```", "## Use\nPress it."]
    assert table.lines == [1, 9]
    assert table.format == "markdown"


def test_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Notes"
    sheet = book.create_sheet("Reviews")
    for row in (
        ["Reviews of March"],
        [],
        ["text", "label", None, "when"],
        ["fine", 1, None, date(2026, 3, 1)],
        ["bad", 2.5, None, None],
        [],
    ):
        sheet.append(row)
    sheet.append(["odd", "good", None, datetime(2026, 3, 2, 12, 30)])
    sheet.append(["too", "many", None, "values", "here"])
    book.save(tmp_path / "book.xlsx")
    table = read_file(tmp_path / "book.xlsx")
    assert table.columns == ["text", "label", "when"]
    assert table.rows == [
        {"text": "fine", "label": 1, "when": "2026-03-01"},
        {"text": "bad", "label": 2.5, "when": ""},
        {"text": "odd", "label": "good", "when": "2026-03-02 12:30:00"},
    ]
    assert table.lines == [4, 5, 7]
    assert [(bad.line, bad.reason) for bad in table.bad_rows] == [(8, "has 5 values where there are 4 columns")]
    assert "sheet Reviews; there are also: Notes" in table.notes[0]
    with pytest.raises(DataError, match="has no rows"):
        read_file(tmp_path / "book.xlsx", settings=ReadSettings(sheet="Notes"))
    assert sheet_names(tmp_path / "book.xlsx") == ["Notes", "Reviews"]
    with pytest.raises(DataError, match="no sheet called Other"):
        read_file(tmp_path / "book.xlsx", settings=ReadSettings(sheet="Other"))


def test_formulas_come_in_as_their_values_or_are_told(tmp_path):
    book = openpyxl.Workbook()
    for row in (["text", "score"], ["fine", "=1+1"], ["bad", 3]):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    table = read_file(tmp_path / "book.xlsx")
    assert table.rows[1]["score"] == 3
    assert "1 cells hold formulas without a saved value" in table.notes[0]


@pytest.mark.parametrize("how", ["file", "stream", "lz4", "feather"])
def test_arrow(tmp_path, how):
    table = pa.table({"text": pa.array([f"t{i % 7}" for i in range(5000)]).dictionary_encode(), "n": range(5000)})
    path = tmp_path / ("rows.feather" if how == "feather" else "rows.arrow")
    if how == "feather":
        import pyarrow.feather

        pyarrow.feather.write_feather(table, path, compression="zstd")
    else:
        make = pa.ipc.new_stream if how == "stream" else pa.ipc.new_file
        options = pa.ipc.IpcWriteOptions(compression="lz4" if how == "lz4" else None)
        with make(path, table.schema, options=options) as writer:
            writer.write_table(table)
    read = read_file(path)
    assert len(read.rows) == 5000
    assert read.rows[4999] == {"text": "t1", "n": 4999}


def test_a_compressed_arrow_file_that_grows_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.data.readers.columnar.ALWAYS_ALLOWED_BYTES", 1 << 20)
    zeros = pa.table({"n": [0] * 1_000_000})
    for make, codec in ((pa.ipc.new_file, "zstd"), (pa.ipc.new_stream, "lz4")):
        path = tmp_path / f"{codec}.arrow"
        with make(path, zeros.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
            writer.write_table(zeros)
        assert path.stat().st_size < 80_000
        with pytest.raises(DataError, match="grows to more than 8 MB"):
            read_file(path)


def test_a_parquet_file_without_rows(tmp_path):
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "none.parquet")
    with pytest.raises(DataError, match=r"has columns \(text\) but no rows"):
        read_file(tmp_path / "none.parquet")


def packed(*members: tuple[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def test_one_file_in_an_archive_is_read_as_if_it_were_alone(tmp_path):
    content = "text,label\na,b\nc,d\n"
    for path in (
        write(tmp_path, "rows.csv.gz", gzip.compress(content.encode())),
        write(tmp_path, "rows.zip", packed(("deep/rows.csv", content), ("__MACOSX/rows.csv", b"\0"), ("README.md", "# About"))),
    ):
        table = read_file(path)
        assert table.format == "csv"
        assert table.rows == [{"text": "a", "label": "b"}, {"text": "c", "label": "d"}]
    assert "Left out of the archive: README.md" in table.notes[0]


def test_several_files_in_an_archive_are_its_parts(tmp_path):
    path = write(tmp_path, "both.zip", packed(("b.jsonl", '{"text": "b", "n": 1}\n'), ("a.csv", "text\na\n"), ("none.csv", "")))
    with open_source(path) as source:
        assert [(part.name, part.format) for part in source.parts] == [("a.csv", "csv"), ("b.jsonl", "jsonl")]
        assert source.columns == ["text", "n"]
        assert source.head(1).rows == [{"text": "a"}]
        assert "none.csv is empty." in source.notes
        folder = source.parts[0].path.parent
    assert not folder.exists()


def test_archives_that_play_tricks_are_refused(tmp_path):
    for name in ("../up.csv", "/etc/up.csv", "a/../../up.csv", "C:\\up.csv", "..\\up.csv"):
        with pytest.raises(DataError, match="leads out of the archive"):
            read_file(write(tmp_path, "tricks.zip", packed((name, "text\na\n"))))
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="a link"):
        read_file(write(tmp_path, "link.zip", out.getvalue()))
    with pytest.raises(DataError, match=r"no file that can be read; it holds inner\.zip"):
        read_file(write(tmp_path, "nested.zip", packed(("inner.zip", packed(("a.csv", "text\na\n"))))))


def test_decompression_bombs_are_refused_before_they_grow(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.data.readers.columnar.ALWAYS_ALLOWED_BYTES", 1 << 20)
    zeros = b"text\n" + b"a" * (64 << 20)
    for path in (
        write(tmp_path, "bomb.csv.gz", gzip.compress(zeros)),
        write(tmp_path, "bomb.zip", packed(("bomb.csv", zeros))),
        write(tmp_path, "bomb.xlsx", packed(("[Content_Types].xml", "<a/>"), ("xl/sharedStrings.xml", zeros))),
    ):
        with pytest.raises(DataError, match="grows to more than"):
            read_file(path)


def test_a_row_that_is_far_too_large_is_set_aside(tmp_path):
    long = "x" * (MAX_ROW_CHARACTERS + 10)
    lines = [json.dumps({"text": text}) for text in ("first", long, "last")]
    pq.write_table(pa.table({"text": ["first", long, "last"]}), tmp_path / "rows.parquet")
    for path in (
        write(tmp_path, "rows.jsonl", "\n".join(lines)),
        write(tmp_path, "rows.json", "[" + ",".join(lines) + "]"),
        write(tmp_path, "rows.csv", f"text\nfirst\n{long}\nlast\n"),
        write(tmp_path, "rows.txt", f"first\n{long}\nlast\n"),
        tmp_path / "rows.parquet",
    ):
        table = read_file(path)
        assert [row["text"] for row in table.rows] == ["first", "last"], path
        assert len(table.bad_rows) == 1
        assert "million characters" in table.bad_rows[0].reason
    table = read_file(write(tmp_path, "field.csv", f"text,label\nfirst,a\n{long[: 2 << 20]},b\nlast,c\n"))
    assert len(table.rows) == 2
    assert "has a value of more than" in table.bad_rows[0].reason


def test_long_json_lists_are_read_piece_by_piece(tmp_path):
    rows = [{"text": f"row {i}", "n": i, "list": [i, {"deep": "]"}]} for i in range(30_000)]
    path = write(tmp_path, "rows.json", json.dumps(rows))
    assert path.stat().st_size > 1 << 20
    assert read_file(path).rows == rows
    mixed = read_file(write(tmp_path, "mixed.json", '[{"text": "a"}, 3, "b", null, [1], {"text": "c"}]'))
    assert [row["text"] for row in mixed.rows] == ["a", "c"]
    assert [(bad.line, bad.text) for bad in mixed.bad_rows] == [(2, "3"), (3, '"b"'), (4, "null"), (5, "[1]")]
    for broken, told in (
        ("[1, 2] 3", "behind the list"),
        ('[{"a": 1} {"a": 2}]', "comma"),
        ('[{"a": 1},\n{"a" 2}]', "line 2"),
        ("[1,]", "JSON"),
    ):
        with pytest.raises(DataError, match=told):
            read_file(write(tmp_path, "broken.json", broken))


def test_a_person_may_say_what_is_not_found_out(tmp_path):
    path = write(tmp_path, "rows.csv", "text:label\nschön:gut\n".encode("latin-1"))
    told = ReadSettings(encoding="latin-1", delimiter=":")
    assert read_file(path, settings=told).rows == [{"text": "schön", "label": "gut"}]
    with pytest.raises(DataError, match="no encoding called"):
        read_file(path, settings=ReadSettings(encoding="klingon"))


def test_columns_that_come_late_are_found(tmp_path):
    lines = [json.dumps({"text": f"row {i}"}) for i in range(3000)]
    path = write(tmp_path, "rows.jsonl", "\n".join([*lines, json.dumps({"text": "last", "label": "x"})]))
    with open_source(path) as source:
        assert source.head(10).columns == ["text"]
        assert source.columns == ["text", "label"]
        assert [len(batch) for batch in source.batches(2000)] == [2000, 1001]


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + bytes(20)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.csv", b"", "empty"),
        ("blank.csv", b"\n\n  \n", "no rows"),
        ("header.csv", b"text,label\n", "column names"),
        ("blank.jsonl", b"\n\n", "no rows"),
        ("list.json", b"[]", "no rows"),
        ("number.json", b"3", "a list of rows is expected"),
        ("cut.json", b'[{"a": 1}, {"a"', "not valid JSON"),
        ("broken.jsonl", b"{broken\n", "line 1"),
        ("image.csv", PNG, "image"),
        ("noise.csv", zlib.compress(bytes(range(256)) * 40), "binary"),
        ("zeros.jsonl", bytes(1000), "binary"),
        ("book.xlsx", b"PK\x03\x04" + bytes(40), "not an Excel workbook"),
        ("book.csv", b"PK\x03\x04" + bytes(40), "Excel"),
        ("table.xlsx", b"text,label\na,b\n", "not an Excel workbook"),
        ("table.arrow", b"text,label\na,b\n", "not an Arrow file"),
        ("cut.arrow", b"ARROW1" + bytes(40), "cannot be read as Arrow"),
        ("old.feather", b"FEA1" + bytes(40), "first version"),
        ("rows.zip", b"text,label\na,b\n", "not a .zip file"),
        ("cut.zip", b"PK\x03\x04" + bytes(40), "cannot be unpacked"),
        ("rows.csv.gz", b"text,label\na,b\n", "not a .gz file"),
        ("cut.csv.gz", gzip.compress(b"text\n" + b"row\n" * 100, mtime=0)[:-12], "cannot be unpacked"),
        ("rows.gz", gzip.compress(b"text\n", mtime=0), "does not say what is inside"),
        ("rows.tar.gz", gzip.compress(b"text\n", mtime=0), "another archive"),
        ("none.csv.gz", gzip.compress(b"", mtime=0), "an empty file"),
        ("table.parquet", b"text,label\na,b\n", "not a Parquet file"),
        ("cut.parquet", b"PAR1" + bytes(40), "cannot be read as Parquet"),
        ("table.csv", b"PAR1" + bytes(40), "another extension"),
        ("rows.csv", b'{"text": "a", "label": "b"}\n{"text": "a", "label": "b"}\n', "looks like JSON"),
        ("notes.docx", b"plain", "cannot be read"),
    ],
)
def test_what_is_no_data_is_refused_with_the_reason(tmp_path, name, content, told):
    with pytest.raises(DataError, match=told) as caught:
        read_file(write(tmp_path, name, content))
    assert caught.value.remedy


def test_a_file_over_the_limit_is_refused(tmp_path):
    with pytest.raises(DataError, match="at most"):
        read_file(write(tmp_path, "rows.csv", "text\n" + "a\n" * 1000), max_bytes=100)
    with pytest.raises(DataError, match="no file"):
        read_file(tmp_path / "none.csv")
    assert formats.MAX_FILE_BYTES >= 1 << 30
