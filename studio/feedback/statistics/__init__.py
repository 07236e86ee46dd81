"""What votes are worth: pure functions from votes to figures, intervals and sentences. `studio/feedback/report.py` reads the votes."""
