"""Upstream vocabulary files: where they are, and the hash each must have.

Upstream ontologies are never copied into this project; they come from installed packages or from the user's files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from twin.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Pack:
    """One upstream file of an installed package, pinned: ``file`` is its path inside ``package``."""

    name: str
    package: str
    package_version: str
    file: str
    sha256: str

    def path(self) -> Path:
        """The file, after its hash was compared with the pin; raises `ConfigurationError`."""
        found = self._locate()
        digest = hashlib.sha256(found.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ConfigurationError(
                f"The vocabulary {self.name} in {found} is not the file this version of Twin was tested with "
                f"(SHA-256 {digest}, expected {self.sha256}).",
                remedy=f"Reinstall it: pip install --force-reinstall {self.package}=={self.package_version}.",
            )
        return found

    def _locate(self) -> Path:
        try:
            installed = version(self.package)
        except PackageNotFoundError as error:
            raise ConfigurationError(
                f"The vocabulary {self.name} comes with the package {self.package}, which is not installed.",
                remedy=f"Install it: pip install {self.package}=={self.package_version}.",
            ) from error
        # Found without importing the package: its import pulls in reasoners we do not use.
        spec = find_spec(self.package)
        roots = list(spec.submodule_search_locations or ()) if spec else []
        found = Path(roots[0] if roots else "") / self.file
        if not found.is_file():
            raise ConfigurationError(
                f"The package {self.package} {installed} has no file {self.file}.",
                remedy=f"Install the tested version: pip install {self.package}=={self.package_version}.",
            )
        return found
