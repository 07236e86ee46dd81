"""Augmentation: more training rows from the rows that there are.

`settings.py` declares the steps, `noise.py` and `balance.py` do them, `apply.py` previews one or makes a new version with it, and
`drafts.py` keeps what a model wrote (`studio/inference/writing.py`) until a person accepts or rejects it. Added rows go to the
training split alone, say in `augmented` how they were made, and share their source's `group`, so no later split tears them apart.
"""
