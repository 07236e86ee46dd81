"""Files of all sorts are read as a sensible person would, and what cannot be read is set aside with its line and the reason."""

from __future__ import annotations

import json
import struct
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.data import formats
from studio.data.formats import read_file
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
        ("book.xlsx", b"PK\x03\x04" + bytes(40), "Excel"),
        ("book.csv", b"PK\x03\x04" + bytes(40), "Excel"),
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
