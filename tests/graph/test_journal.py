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
from twin.graph.journal_rows import GENESIS, TooOld, chain_hash_of_quads, pack
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import TWIN

GRAPH = NamedNode("urn:twin:site:one")
FIRST_FORMAT = """
CREATE TABLE changes (revision INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL,
  removed BLOB NOT NULL, added BLOB NOT NULL, artifact TEXT, previous TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE series (id INTEGER PRIMARY KEY AUTOINCREMENT, property TEXT NOT NULL UNIQUE);
CREATE TABLE pending (artifact TEXT PRIMARY KEY, graphs TEXT NOT NULL);
PRAGMA user_version=1;
"""


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


def test_what_is_trimmed_keeps_its_chain_and_who_changed_what(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    for number in range(5):
        journal.append(number, "ann", f"change {number}", delta(str(number)), touched=["urn:s"])
    assert journal.trim(3) == 3
    assert journal.trim(2) == 0
    assert journal.broken_link() is None
    assert (journal.oldest, journal.head(2).reason, journal.last_about(["urn:s"], upto=2)) == (3, "change 1", 2)
    assert [change.token for change in journal.last(10)] == [5, 4]
    assert [change.delta for change in journal.since(3)] == [delta("3"), delta("4")]
    with pytest.raises(TooOld, match="the oldest is 3"):
        journal.since(2)
    with pytest.raises(NotFound, match="no longer kept"):
        journal.find(3)
    journal.close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("UPDATE changes SET reason = 'forged' WHERE revision = 2")
    database.close()
    tampered = Journal(tmp_path / "journal.sqlite")
    assert (tampered.oldest, tampered.broken_link()) == (3, 2)
    tampered.close()


def test_times_never_go_back_and_say_which_revision_was_the_newest() -> None:
    journal = Journal()
    for time in (10, 30, 20):
        journal.append(time, "ann", "why", delta(str(time)))
    assert [journal.time_of(revision) for revision in (0, 1, 2, 3)] == [0, 10, 30, 30]
    assert [journal.revision_at(time) for time in (9, 10, 29, 30, 99)] == [0, 1, 1, 3, 3]


def test_a_journal_of_the_first_format_is_indexed_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    node, owner, graph = NamedNode("urn:p"), NamedNode("urn:t"), NamedNode("urn:twin:inferred:one")
    owned = Delta(added=(Quad(owner, TWIN.hasProperty, node, graph),))
    bound = Delta(added=(Quad(NamedNode("urn:b"), TWIN.binds, node, GRAPH),))
    with sqlite3.connect(path) as database:
        database.executescript(FIRST_FORMAT)
        previous = GENESIS
        for token, change in enumerate((owned, bound, delta("x")), 1):
            removed, added = pack(change.removed), pack(change.added)
            digest = chain_hash_of_quads(previous, token, token, "ann", "why", None, removed, added)
            row = (token, token, "ann", "why", removed, added, None, previous, digest)
            database.execute("INSERT INTO changes VALUES (?,?,?,?,?,?,?,?,?)", row)
            previous = digest
    database.close()
    for _ in range(2):  # brought up once, and then as any other
        journal = Journal(path)
        assert journal.broken_link() is None
        assert [journal.last_about([node]) for node in ("urn:t", "urn:p", "urn:s", "urn:b")] == [2, 2, 3, 2]
        journal.close()
    journal = Journal(path)
    journal.append(9, "bob", "on", delta("y"), touched=["urn:s"])
    assert (journal.broken_link(), journal.trim(2), journal.broken_link()) == (None, 2, None)
    journal.close()
