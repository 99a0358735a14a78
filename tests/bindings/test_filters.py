"""A tree of filters finds what each filter by itself would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twin.bindings.filters import FilterTree

LEVELS = st.lists(st.sampled_from(["", "a", "b", "$SYS"]), min_size=1, max_size=4)
FILTERS = st.lists(st.sampled_from(["", "a", "b", "$SYS", "+"]), min_size=1, max_size=4)


def belongs(topic: list[str], pattern: list[str]) -> bool:
    if len(topic) != len(pattern) or (pattern[0] == "+" and topic[0].startswith("$")):
        return False
    return all(want in ("+", level) for want, level in zip(pattern, topic, strict=True))


@given(st.lists(FILTERS, max_size=12), LEVELS)
def test_a_topic_has_the_slots_of_all_filters_that_it_belongs_to(filters: list[list[str]], topic: list[str]) -> None:
    tree = FilterTree()
    for slot, pattern in enumerate(filters):
        tree.add("/".join(pattern), slot)
    expected = [slot for slot, pattern in enumerate(filters) if belongs(topic, pattern)]
    assert tree.find("/".join(topic)) == expected


def test_ten_thousand_filters_do_not_make_a_look_up_longer_than_its_levels() -> None:
    tree = FilterTree()
    for slot in range(10_000):
        tree.add(f"site/+/ahu-{slot}/sat", slot)
    assert tree.find("site/west/ahu-7/sat") == [7]
    assert tree.find("site/west/ahu-7") == []
