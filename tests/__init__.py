"""Tests, mirroring the packages: units, tiny real training runs, and a browser that does what a person does."""
