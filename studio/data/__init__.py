"""Data: files in, canonical rows out, kept as immutable versions, and rendered to the tokens that a model trains on.

`formats` reads files, `recognise` says what they hold, `mapping` turns them into canonical rows, `splits` keeps some aside, `store` keeps
versions, `rendering` shows and makes the training tokens. To support a new kind of row, add it to `schema` and `mapping`.
"""
