"""How the embedded model is scored: the questions, the metrics on answers, generation, the scores of each ability, the tables.

`studio.starter.evaluate` puts them together. A new metric is a pure function in `metrics`, with a hand-worked test; a new
ability is a function in `abilities` that gives rows, a line in `evaluate.evaluate` and its table in `tables`.
"""
