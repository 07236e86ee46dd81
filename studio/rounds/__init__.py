"""Rounds: one turn of the loop after the other, from votes to a run, from its model to a blind re-match, and back down to each vote."""
