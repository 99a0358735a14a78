"""Upstream files: the one that was tested, or a sentence that says how to get it."""

from __future__ import annotations

import pytest

from twin.errors import ConfigurationError, InvalidInput
from twin.vocabularies.brick import brick_file
from twin.vocabularies.packs import Pack

BRICK = ("Brick", "brickschema", "0.8.0", "ontologies/1.5/Brick.ttl")


def test_the_pinned_file_of_the_installed_package_is_found() -> None:
    assert brick_file("1.5").name == "Brick.ttl"


def test_a_file_that_is_not_the_tested_one_is_refused_with_both_hashes_and_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match="not the file this version of Twin was tested with") as caught:
        Pack(*BRICK, sha256="0" * 64).path()
    assert "expected " + "0" * 64 in str(caught.value)
    assert caught.value.remedy == "Reinstall it: pip install --force-reinstall brickschema==0.8.0."


@pytest.mark.parametrize(
    ("package", "file", "said"),
    [("no-such-package-here", "x.ttl", "is not installed"), ("brickschema", "no/such.ttl", "has no file no/such.ttl")],
)
def test_a_package_or_file_that_is_missing_is_told_in_words(package: str, file: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Pack("Brick", package, "0.8.0", file, "0" * 64).path()


def test_an_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        brick_file("9.9")
    assert "1.1, 1.2, 1.3, 1.4, 1.5" in caught.value.remedy
