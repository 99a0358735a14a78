"""Where the product's own data files are: ontologies, shapes, queries and the built explorer."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_directory(name: str) -> Path:
    """The directory of ``ontologies``, ``shapes`` or ``queries``: the repository's own first, then the wheel's copy."""
    repository = _PACKAGE.parent / name
    return (
        repository
        if repository.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file()
        else _PACKAGE / "_data" / name
    )


def explorer_directory() -> Path:
    """The directory of the built explorer; it may be missing when the package was installed without Node."""
    return _PACKAGE / "_explorer"
