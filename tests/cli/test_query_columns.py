"""What ``twin query`` prints for ``SELECT *``: columns as the query names them, and nothing else touched."""

from __future__ import annotations

import pytest

from twin.running import in_the_order_asked


@pytest.mark.parametrize(
    ("query", "found", "expected"),
    [
        ("SELECT * WHERE { ?s ?p ?o }", b"o,p,s\r\n3,2,1\r\n", b"s,p,o\r\n1,2,3\r\n"),
        ("# ?o\nPREFIX a: <urn:?p>\nselect distinct * { ?s ?p ?o }", b"o,p,s\r\n3,2,1\r\n", b"s,p,o\r\n1,2,3\r\n"),
        ("SELECT * { ?z ?a '?b' }", b'a,z\r\n"x,\r\ny",1\r\n', b'z,a\r\n1,"x,\r\ny"\r\n'),
        ("SELECT ?o ?s { ?s ?p ?o }", b"o,s\r\n3,1\r\n", b"o,s\r\n3,1\r\n"),
        ("SELECT ?o (COUNT(*) AS ?n) { ?s ?p ?o }", b"o,n\r\n3,1\r\n", b"o,n\r\n3,1\r\n"),
        ("ASK { SELECT * { ?s ?p ?o } }", b"true", b"true"),
        ("SELECT * { ?s ?p ?o }", b"", b""),
    ],
)  # fmt: skip
def test_the_columns_of_everything_stand_as_the_query_names_them(query: str, found: bytes, expected: bytes) -> None:
    assert in_the_order_asked(query, found) == expected
