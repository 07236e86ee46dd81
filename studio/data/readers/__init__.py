"""One file for each family of formats: `delimited`, `json_rows`, `columnar`, `workbook`, `text`; `archives` unpacks zip and gz.

Each gives a `Source` (see `source.py`), which is read batch by batch, so that memory does not grow with the file. `encodings` finds out how
a text file is encoded. To read another format, write a function `(path, settings) -> Source` and name its extensions in
`studio/data/formats.py`.
"""
