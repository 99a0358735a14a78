from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.opcua.addresses import NodeAddress, node_address
from twin.connector import AddressError

PRINTABLE = st.text(min_size=1, max_size=20).filter(str.isprintable)


@given(st.integers(0, 0xFFFF), PRINTABLE)
def test_a_string_identifier_is_kept_as_it_is(index: int, name: str) -> None:
    assert node_address(f"ns={index};s={name}") == NodeAddress(name, index)


@given(st.integers(0, 0xFFFF_FFFF))
def test_a_node_without_a_namespace_is_in_namespace_0(number: int) -> None:
    assert node_address(f"i={number}") == NodeAddress(number, 0)


@given(st.uuids(), st.binary(min_size=1, max_size=20))
def test_guids_and_bytes_are_identifiers_too(guid: uuid.UUID, raw: bytes) -> None:
    assert node_address(f"ns=1;g={guid}") == NodeAddress(guid, 1)
    assert node_address(f"ns=1;b={base64.b64encode(raw).decode()}") == NodeAddress(raw, 1)


def test_a_namespace_uri_is_resolved_at_the_server() -> None:
    address = node_address("nsu=urn:plant%3B1;s=Name;with=signs")
    assert address == NodeAddress("Name;with=signs", uri="urn:plant;1")
    assert address.namespace(["http://opcfoundation.org/UA/", "urn:server", "urn:plant;1"]) == 2


def test_a_namespace_that_the_server_has_not_is_named_with_those_it_has() -> None:
    with pytest.raises(AddressError, match=r"no namespace 'urn:x'; it has 'urn:a', 'urn:b'"):
        node_address("nsu=urn:x;i=1").namespace(["urn:a", "urn:b"])


@pytest.mark.parametrize(
    "text",
    [
        "", "Name", "ns=2", "ns=2;Name", "s=", "ns=-1;s=a", "ns=65536;s=a", "nsu=;s=a", "ns=1;i=x", "i=-1",
        "i=4294967296", "i=１", "g=123", "b=*", "x=1", "ns=1;s=a\nb", " ns=1;s=a",
    ],
)  # fmt: skip
def test_what_is_no_node_id_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        node_address(text)


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_is_refused_in_words(text: str) -> None:
    refusal = "."
    try:
        node_address(text)
    except AddressError as error:
        refusal = str(error)
    assert refusal.endswith(".")
