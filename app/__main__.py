"""`python -m app`: opens the page."""

from __future__ import annotations

import argparse
import sys

from app import launch
from studio.errors import StudioError


def main() -> int:
    """Read the arguments, open the page and wait; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app", description="Open the Luthier page.")
    parser.add_argument("--workspace", help="folder that holds your data, runs and models (default: ~/luthier)")
    parser.add_argument("--host", default="127.0.0.1", help="address of this machine to serve on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=7860, help="first port to try (default: 7860)")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    arguments = parser.parse_args()
    try:
        launch(arguments.workspace, arguments.host, arguments.port, open_browser=arguments.open)
    except StudioError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
