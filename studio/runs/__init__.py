"""Runs: their folders, the queue, the worker that trains them, and what watches over a training."""
