from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mqtt.topics import check_filter, check_topic
from twin.connector import AddressError

LEVEL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="+#/\0"), max_size=8)


@given(st.lists(LEVEL | st.just("+"), min_size=1, max_size=6).map("/".join).filter(bool))
def test_levels_and_whole_wildcards_make_a_filter(text: str) -> None:
    check_filter(text)


@given(st.lists(LEVEL, min_size=1, max_size=6).map("/".join).filter(bool))
def test_levels_without_wildcards_make_a_topic(text: str) -> None:
    check_topic(text)


@pytest.mark.parametrize("text", ["a+", "+a/b", "a/b+/c", "a/++/b"])
def test_a_wildcard_inside_a_level_is_refused(text: str) -> None:
    with pytest.raises(AddressError, match="whole level"):
        check_filter(text)


@pytest.mark.parametrize("text", ["#", "a/#", "a/b#", "#/a"])
def test_everything_below_a_level_is_no_address_of_a_binding(text: str) -> None:
    with pytest.raises(AddressError, match="name the levels"):
        check_filter(text)


@pytest.mark.parametrize("text", ["+", "a/+/b", "#"])
def test_nothing_is_published_to_a_wildcard(text: str) -> None:
    with pytest.raises(AddressError, match="full topic"):
        check_topic(text)


@pytest.mark.parametrize("text", ["", "a\0b", "\ud800", "x" * 65_536])
def test_a_text_that_no_broker_takes_is_refused(text: str) -> None:
    for check in (check_filter, check_topic):
        with pytest.raises(AddressError):
            check(text)


def test_an_empty_level_is_a_level() -> None:
    check_filter("/a//b/")
