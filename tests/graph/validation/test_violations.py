"""The violations that stand are kept, counted and paged without checking anew."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.errors import InvalidInput
from twin.graph.validation.violations import Due, ViolatingNode, ViolationGroup, ViolationStore
from twin.graph.violation import Judgement, Source, Violation


def violation(
    focus: str, shape: str = "urn:twin:shapes:property#one-unit", source: Source = "twin", value: str = ""
) -> Violation:
    return Violation(
        focus=f"urn:twin:t:{focus}",
        path="http://qudt.org/schema/qudt/hasUnit",
        component="http://www.w3.org/ns/shacl#MinCountConstraintComponent",
        shape=shape,
        value=value,
        severity="warning" if source == "brick" else "violation",
        rule=f"Rule of {shape}.",
        remedy="Do it.",
        source=source,
        found="nothing",
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ViolationStore]:
    opened = ViolationStore(tmp_path / "violations.sqlite")
    yield opened
    opened.close()


def test_what_was_found_is_read_back_whole(store: ViolationStore) -> None:
    found = [violation("a"), violation("b", value="x")]
    store.replace("t", "twin", found)
    page = store.page("t")
    assert page.items == tuple(found)
    assert [item.found for item in page.items] == ["nothing", "nothing"]
    assert (page.total, page.has_next) == (2, False)


def test_a_new_check_replaces_the_old_one_of_its_site_and_source_alone(store: ViolationStore) -> None:
    store.replace("t", "twin", [violation("a")])
    store.replace("t", "brick", [violation("a", source="brick")])
    store.replace("u", "twin", [violation("a")])
    store.replace("t", "twin", [violation("b")])
    assert [item.focus for item in store.page("t", source="twin").items] == ["urn:twin:t:b"]
    assert store.count() == 3
    assert store.count("t") == 2
    assert store.count("t", source="brick") == store.count("u") == 1


def test_a_committed_change_updates_the_list(store: ViolationStore) -> None:
    store.replace("t", "twin", [violation("a"), violation("b")])
    store.update("t", "twin", Judgement(added=(violation("c"),), resolved=(violation("a"), violation("nobody"))))
    assert {item.focus for item in store.page("t").items} == {"urn:twin:t:b", "urn:twin:t:c"}


def test_the_same_violation_is_kept_once_with_its_newest_words(store: ViolationStore) -> None:
    store.replace("t", "twin", [violation("a")])
    store.update("t", "twin", Judgement(added=(replace(violation("a"), remedy="Do that."),)))
    assert [item.remedy for item in store.page("t").items] == ["Do that."]


def test_pages_follow_one_another_without_gap_or_repeat(store: ViolationStore) -> None:
    store.replace("t", "twin", [violation(f"n{number:03}") for number in range(25)])
    seen, after = [], None
    while True:
        page = store.page("t", after=after, limit=10)
        seen += [item.focus for item in page.items]
        assert page.total == 25
        if not page.has_next:
            break
        after = page.cursors[-1]
    assert seen == [f"urn:twin:t:n{number:03}" for number in range(25)]


def test_a_cursor_keeps_its_place_when_the_list_changes(store: ViolationStore) -> None:
    found = [violation(f"n{number}") for number in range(6)]
    store.replace("t", "twin", found)
    first = store.page("t", limit=3)
    store.replace("t", "twin", found[2:])
    rest = store.page("t", after=first.cursors[-1], limit=10)
    assert rest.items == tuple(found[3:])


def test_what_is_no_cursor_is_refused(store: ViolationStore) -> None:
    with pytest.raises(InvalidInput, match="no cursor"):
        store.page("t", after="1 OR 1=1")


def test_the_violations_of_one_twin_and_of_several_nodes(store: ViolationStore) -> None:
    store.replace("t", "twin", [violation("a"), violation("a", shape="s"), violation("b"), violation("c")])
    assert store.page(twin="urn:twin:t:a").total == 2
    assert store.page(twin=["urn:twin:t:a", "urn:twin:t:b"]).total == store.count(twin=["urn:twin:t:a", "urn:twin:t:b"])
    assert store.page(twin=[]).total == 0
    assert store.counts("t") == {"urn:twin:t:a": 2, "urn:twin:t:b": 1, "urn:twin:t:c": 1}


def test_groups_tell_each_broken_rule_in_words_most_broken_first(store: ViolationStore) -> None:
    store.replace("t", "twin", [violation("a"), violation("b"), violation("a", shape="other")])
    store.replace("t", "brick", [violation("a", shape="theirs", source="brick")])
    shape = "urn:twin:shapes:property#one-unit"
    assert store.groups("t") == [
        ViolationGroup(shape, f"Rule of {shape}.", "violation", "twin", 2),
        ViolationGroup("other", "Rule of other.", "violation", "twin", 1),
        ViolationGroup("theirs", "Rule of theirs.", "warning", "brick", 1),
    ]
    assert [group.shape for group in store.groups("t", source="brick")] == ["theirs"]
    assert store.page("t", shape="other").total == 1


def test_the_list_survives_a_restart(tmp_path: Path) -> None:
    first = ViolationStore(tmp_path / "violations.sqlite")
    first.replace("t", "twin", [violation("a")])
    first.close()
    second = ViolationStore(tmp_path / "violations.sqlite")
    assert second.page("t").items == (violation("a"),)
    second.close()


def test_threads_may_write_and_read_at_once(store: ViolationStore) -> None:
    def work(number: int) -> int:
        site = f"s{number % 4}"
        store.replace(site, "twin", [violation(f"n{number}-{each}") for each in range(20)])
        return store.page(site, limit=100).total

    with ThreadPoolExecutor(8) as pool:
        totals = list(pool.map(work, range(40)))
    assert set(totals) == {20}
    assert store.count() == 80


_found = st.lists(
    st.builds(violation, st.sampled_from("abcdef"), st.sampled_from(["s1", "s2"]), value=st.sampled_from(["", "v"])),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(_found, min_size=1, max_size=4), _found, _found)
def test_the_list_is_the_last_check_less_what_was_resolved_and_what_was_added(
    store: ViolationStore, checks: list[list[Violation]], added: list[Violation], resolved: list[Violation]
) -> None:
    for check in checks:
        store.replace("t", "twin", check)
    store.update("t", "twin", Judgement(tuple(added), tuple(resolved)))
    expected = (set(checks[-1]) - set(resolved)) | set(added)
    assert set(store.page("t", limit=100).items) == expected
    assert store.count("t") == len(expected)


def test_a_page_is_chosen_by_shape_and_by_severity(store: ViolationStore) -> None:
    found = [violation("a"), violation("b", shape="urn:other"), replace(violation("c"), severity="warning")]
    store.replace("t", "twin", found)
    assert [each.focus for each in store.page("t", shape="urn:other").items] == ["urn:twin:t:b"]
    assert [each.focus for each in store.page("t", severity="warning").items] == ["urn:twin:t:c"]
    assert store.count("t", severity="violation") == 2
    assert [(group.shape, group.count) for group in store.groups("t", severity="warning")] == [(found[0].shape, 1)]


def test_the_nodes_that_break_most_come_first(store: ViolationStore) -> None:
    store.replace("t", "twin", [violation("a"), violation("b"), violation("b", shape="urn:other")])
    assert store.nodes("t") == [ViolatingNode("urn:twin:t:b", 2), ViolatingNode("urn:twin:t:a", 1)]
    assert store.nodes("t", limit=1) == [ViolatingNode("urn:twin:t:b", 2)]
    assert store.nodes("t", shape="urn:other") == [ViolatingNode("urn:twin:t:b", 1)]


def test_a_violation_is_found_by_its_number_as_long_as_it_stands(store: ViolationStore) -> None:
    store.replace("t", "twin", [violation("a")])
    (number,) = store.page("t").cursors
    standing = store.find(number)
    assert standing is not None
    assert (standing.site, standing.violation) == ("t", violation("a"))
    store.replace("t", "twin", [])
    assert store.find(number) is None
    assert store.find("no number") is None


def test_sites_that_are_to_be_validated_anew_are_remembered_with_the_reason(tmp_path: Path) -> None:
    first = ViolationStore(tmp_path / "violations.sqlite")
    first.mark_due(["b", "a"], "because", revision=3)
    first.mark_due(["b"], "again", revision=5)
    first.close()
    second = ViolationStore(tmp_path / "violations.sqlite")
    assert second.due() == {"b": Due("because", 3, 5), "a": Due("because", 3, 3)}
    second.not_due("a", revision=3)
    second.not_due("b", revision=4)
    assert second.due() == {"b": Due("because", 5, 5)}  # what came after the check is still to be checked
    second.not_due("b", revision=5)
    assert second.due() == {}
    second.close()
