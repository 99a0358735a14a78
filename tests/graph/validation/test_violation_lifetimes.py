"""Violations are told as of any revision, whatever order checks and judgements come in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import astuple, fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.graph.validation.violations import Audited, ViolationStore
from twin.graph.violation import Judgement, Violation

NAMES = "abcd"


def violation(focus: str) -> Violation:
    return Violation(f"urn:{focus}", "", "c", "s", "", "violation", "A rule.", "Do it.", "twin")


def found(names: frozenset[str]) -> list[Violation]:
    return [violation(name) for name in sorted(names)]


def names(store: ViolationStore, revision: int | None = None) -> frozenset[str]:
    read = store if revision is None else store.as_of(revision)
    return frozenset(each.focus.removeprefix("urn:") for each in read.page("t", limit=100).items)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ViolationStore]:
    opened = ViolationStore(tmp_path / "violations.sqlite")
    opened.begin(0)
    yield opened
    opened.close()


_states = st.lists(st.frozensets(st.sampled_from(NAMES)), min_size=2, max_size=12)


@given(states=_states, data=st.data())
def test_every_revision_is_told_as_it_was_in_whatever_order_checks_end(
    states: list[frozenset[str]], data: st.DataObject
) -> None:
    store = ViolationStore(Path(":memory:"))
    store.begin(0)
    store.replace("t", "twin", found(states[0]), revision=0)
    running: tuple[int, int] | None = None  # a check that began and has not ended: of which state, due since when
    unsure: int | None = None
    for revision, state in enumerate(states[1:], 1):
        before = states[revision - 1]
        if unsure is None and data.draw(st.booleans(), label="not judged"):
            store.tell(revision, {}, {"t": "imported"})
            unsure = revision
        else:
            judgement = Judgement(tuple(found(state - before)), tuple(found(before - state)))
            store.tell(revision, {("t", "twin"): judgement})
        if unsure is not None and running is None and data.draw(st.booleans(), label="a check begins"):
            running = revision, unsure
        if running is not None and (data.draw(st.booleans(), label="it ends") or revision == len(states) - 1):
            at, since = running
            store.replace("t", "twin", found(states[at]), revision=at, since=since)
            store.not_due("t", revision=at)
            running = unsure = None
    if unsure is not None:
        last = len(states) - 1
        store.replace("t", "twin", found(states[last]), revision=last, since=unsure)
        store.not_due("t", revision=last)
    assert [names(store, revision) for revision in range(len(states))] == states
    assert names(store) == states[-1]
    assert store.due() == {}
    store.rewind(len(states) // 2)
    assert [names(store, each) for each in range(len(states) // 2 + 1)] == states[: len(states) // 2 + 1]
    assert names(store) == states[len(states) // 2]
    store.close()


def test_what_stands_says_since_when(store: ViolationStore) -> None:
    store.tell(3, {("t", "twin"): Judgement(added=(violation("a"),))})
    store.tell(5, {("t", "twin"): Judgement(added=(violation("b"),))})
    assert dict(zip([each.focus for each in store.page("t").items], store.page("t").since, strict=True)) == {
        "urn:a": 3,
        "urn:b": 5,
    }
    assert store.as_of(4).count("t") == 1
    assert [group.count for group in store.as_of(4).groups("t")] == [1]
    assert [node.focus for node in store.as_of(4).nodes("t")] == ["urn:a"]
    assert store.as_of(2).counts("t") == {}
    assert store.told == 5


def test_what_ended_before_the_oldest_revision_is_forgotten(store: ViolationStore) -> None:
    store.tell(1, {("t", "twin"): Judgement(added=(violation("a"), violation("b")))})
    store.tell(2, {("t", "twin"): Judgement(resolved=(violation("a"),))})
    store.tell(4, {("t", "twin"): Judgement(resolved=(violation("b"),))})
    for revision in (1, 2, 4):
        store.note_audit("t", Audited(revision, "done", 1, 2, ""))
    store.trim(3)
    assert names(store, 3) == {"b"}
    assert names(store, 1) == {"b"}  # nobody may ask for it any more
    audits = [store.as_of(revision).audited("t") for revision in (1, 3, 4)]
    assert [None if each is None else each.revision for each in audits] == [None, 2, 4]


def test_the_list_of_an_older_version_goes_on_standing_from_a_time_that_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "violations.sqlite"
    columns = [field.name for field in fields(Violation)]
    old = sqlite3.connect(path)
    old.execute(f"CREATE TABLE violation (id INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT, {', '.join(columns)})")
    old.execute("CREATE TABLE due (site TEXT PRIMARY KEY, reason TEXT NOT NULL)")
    old.execute(
        f"INSERT INTO violation (site, {', '.join(columns)}) VALUES ('t', {', '.join('?' * len(columns))})",  # noqa: S608
        astuple(replace(violation("a"), found="x")),
    )
    old.commit()
    old.close()
    for _ in range(2):
        store = ViolationStore(path)
        page = store.page("t")
        assert (page.items, page.since) == ((replace(violation("a"), found="x"),), (0,))
        assert store.told is None
        store.close()
