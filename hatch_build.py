"""The build hook that puts the built web explorer into the wheel and the source distribution."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "twin/_explorer"


class ExplorerHook(BuildHookInterface):
    """Builds the explorer where Node.js is there; without it the package is complete but for its web page."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # a checkout builds its explorer itself, with scripts/build-explorer
        root = Path(self.root)
        problem = _build(root / "scripts" / "build-explorer")
        if problem:
            self.app.display_warning(problem)
        built = root / BUILT
        if (built / "index.html").is_file():
            build_data["force_include"][str(built)] = BUILT
        else:
            self.app.display_warning(
                "This package is built without the web explorer; / will say how to build it. Everything else is in it."
            )


def _build(script: Path) -> str:
    """Runs the script; what went wrong in words, or nothing."""
    try:
        done = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"The web explorer was not built: bash could not be started ({error})."
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        return f"The web explorer was not built: scripts/build-explorer ended with {done.returncode}. {said[-2000:]}"
    return done.stderr.strip()
