"""How the embedded base model is made: a corpus by domain, a tokenizer, a training script, an evaluation.

Nothing here is needed to use the model in `assets/starter`; it is what produced it. Importing this package is light:
the modules that need torch (`train`, `optimiser`, `evaluate`) are imported only by those who train or evaluate.

To teach the model something new, add a file to `domains/` and name it in `domains/__init__.py`.
"""
