"""The `luthier` command. One module a noun; each command has `--json` for programs.

To add a command, write it in the module of its noun and register it in `studio/cli/main.py`.
"""
