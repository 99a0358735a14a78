"""Reading what a client asks for."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.api.sparql_protocol import decoded
from twin.errors import InvalidInput


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=20)), max_size=5))
def test_parameters_are_those_that_a_form_encodes(fields: list[tuple[str, str]]) -> None:
    expected: dict[str, list[str]] = {}
    for name, value in fields:
        expected.setdefault(name, []).append(value)
    assert decoded(urlencode(fields).encode()) == expected


@given(st.text(alphabet="ab=&+%2c3", max_size=30))
def test_whatever_is_written_is_read_as_the_standard_library_reads_it(text: str) -> None:
    try:
        expected = parse_qs(text, keep_blank_values=True, errors="strict")
    except ValueError:
        with pytest.raises(InvalidInput):
            decoded(text)
    else:
        assert decoded(text) == expected


@pytest.mark.parametrize("text", ["a=%ff", "&".join(["a=1"] * 257), "é".encode()])
def test_what_is_no_form_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        decoded(text)
