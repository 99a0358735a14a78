"""The command ``twin``: minds the signals first, because loading the rest takes a while."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line."""
    from twin import interrupts

    interrupts.handle(sys.argv[1:])
    from twin.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
