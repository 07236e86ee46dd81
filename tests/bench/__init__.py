"""Benchmarks: separate commands that print one line a figure."""
