"""The journal: order, chain, and a series number for ever."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.contracts import Delta
from twin.errors import ConfigurationError, NotFound
from twin.graph.journal import Journal
from twin.terms import Literal, NamedNode, Quad

GRAPH = NamedNode("urn:twin:site:one")


def delta(text: str) -> Delta:
    return Delta(added=(Quad(NamedNode("urn:s"), NamedNode("urn:p"), Literal(text), GRAPH),))


def test_changes_come_back_in_order_with_their_quads() -> None:
    journal = Journal()
    for number, text in enumerate(["one", "two", "three"]):
        journal.append(number, "ann", text, delta(text))
    assert [change.reason for change in journal.since(1)] == ["two", "three"]
    assert journal.find(2).delta == delta("two")
    assert [change.token for change in journal.last(2)] == [3, 2]
    assert journal.revision() == 3


def test_a_revision_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="no revision 4"):
        Journal().find(4)


def test_the_chain_holds_and_tells_the_revision_that_was_tampered_with(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    for text in ("one", "two", "three"):
        journal.append(0, "ann", text, delta(text))
    assert journal.broken_link() is None
    journal.close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("UPDATE changes SET actor = 'eve' WHERE revision = 2")
    database.close()
    tampered = Journal(tmp_path / "journal.sqlite")
    assert tampered.broken_link() == 2
    tampered.close()


def test_what_was_appended_survives_reopening(tmp_path: Path) -> None:
    first = Journal(tmp_path / "journal.sqlite")
    first.append(5, "ann", "why", delta("x"))
    numbers = first.series(["urn:a", "urn:b"])
    first.close()
    second = Journal(tmp_path / "journal.sqlite")
    assert second.find(1).delta == delta("x")
    assert second.series(["urn:b", "urn:c"]) == {"urn:b": numbers["urn:b"], "urn:c": 3}
    second.close()


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=5), max_size=6))
def test_a_property_keeps_its_series_number_and_shares_it_with_none(batches: list[list[str]]) -> None:
    journal = Journal()
    seen: dict[str, int] = {}
    for batch in batches:
        for iri, number in journal.series(batch).items():
            assert seen.setdefault(iri, number) == number
    assert len(set(seen.values())) == len(seen)
    journal.close()


def test_a_journal_of_a_newer_format_is_refused_in_words(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(ConfigurationError, match="format 99"):
        Journal(tmp_path / "journal.sqlite")


def test_an_import_that_began_and_was_not_published_is_remembered() -> None:
    journal = Journal()
    journal.begin_import("abc", ["urn:twin:site:one", "urn:twin:inferred:one"])
    assert journal.unfinished_imports() == ["urn:twin:site:one", "urn:twin:inferred:one"]
    journal.append(0, "ann", "import", Delta(), artifact="abc")
    assert journal.unfinished_imports() == []
    assert journal.artifact(1) == "abc"
