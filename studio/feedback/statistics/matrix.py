"""Who won how often against whom: the win matrix. No database here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studio.feedback.statistics.results import WinMatrix
from studio.feedback.statistics.votes import Couples


def win_matrix(couples: Couples, order: Sequence[int]) -> WinMatrix:
    """Shares won with ties as half wins, and numbers of games, of the models in `order`; None where two never met and on the diagonal."""
    m = len(couples.models)
    won, games = np.zeros((m, m)), np.zeros((m, m), np.int64)
    for one, other, result in ((couples.first, couples.second, couples.result), (couples.second, couples.first, 1 - couples.result)):
        np.add.at(won, (one, other), result)
        np.add.at(games, (one, other), 1)
    met = [[i != j and games[i, j] > 0 for j in range(m)] for i in range(m)]
    return WinMatrix(
        models=[couples.models[i] for i in order],
        wins=[[float(won[i, j] / games[i, j]) if met[i][j] else None for j in order] for i in order],
        games=[[int(games[i, j]) if met[i][j] else None for j in order] for i in order],
    )
