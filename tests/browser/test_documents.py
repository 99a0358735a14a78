"""The GraphQL documents that the explorer sends, against the schema and the limits of the server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from twin.api.graphql.limits import Limits
from twin.api.graphql.schema import admit, schema

SOURCE = Path(__file__).resolve().parents[2] / "twin" / "explorer" / "src" / "documents.ts"


def documents() -> dict[str, str]:
    """Each exported document by its name, with the field lists it is made of put in."""
    text = SOURCE.read_text("utf-8")
    lists = dict(re.findall(r"^const (\w+) = `([^`]*)`;", text, re.MULTILINE))
    found = re.findall(r"^export const (\w+) = document<.*?>\(\s*`([^`]*)`,?\s*\);", text, re.MULTILINE | re.DOTALL)

    def whole(part: str) -> str:
        return re.sub(r"\$\{(\w+)\}", lambda match: whole(lists[match[1]]), part)

    return {name: whole(part) for name, part in found}


def test_every_exported_document_is_found() -> None:
    assert len(documents()) == SOURCE.read_text("utf-8").count("export const ")


@pytest.mark.parametrize("name", documents())
def test_the_server_admits_the_document(name: str) -> None:
    assert [str(error) for error in admit(schema(), documents()[name], Limits()).errors] == []
