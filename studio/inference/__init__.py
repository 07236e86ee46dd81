"""Inference: models that answer, outputs side by side, and saved conversations."""
