"""Node ids as text (OPC 10000-6, 5.3.1.10): ``ns=2;s=AHU1.SupplyTemp``, ``nsu=urn:plant;i=42``."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from twin.connector import AddressError

FORM = re.compile(r"(?:ns=(?P<index>\d{1,5});|nsu=(?P<uri>[^;]+);)?(?P<kind>[isgb])=(?P<identifier>.+)", re.DOTALL)
LARGEST_INDEX = 0xFFFF
LARGEST_NUMBER = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """A node id whose namespace is an index, or a URI that is resolved when the connection is made."""

    identifier: int | str | uuid.UUID | bytes
    index: int = 0
    uri: str = ""

    def namespace(self, uris: Sequence[str]) -> int:
        """The index of the namespace at a server with these namespaces; raises `AddressError` when it has it not."""
        if not self.uri:
            return self.index
        try:
            return uris.index(self.uri)
        except ValueError:
            raise AddressError(
                f"The server has no namespace {self.uri!r}; it has {', '.join(map(repr, uris))}."
            ) from None


def node_address(text: str) -> NodeAddress:
    """The node that the text names; raises `AddressError` with the form when it names none."""
    found = FORM.fullmatch(text)
    if found is None:
        raise AddressError(
            f"{text!r} is not a node id; write ns=2;s=Name, or nsu=<namespace URI>;s=Name (i= for a number)."
        )
    index = int(found["index"] or 0)
    if index > LARGEST_INDEX:
        raise AddressError(f"The namespace index of {text!r} is larger than {LARGEST_INDEX}.")
    uri = (found["uri"] or "").replace("%3B", ";").replace("%25", "%")
    return NodeAddress(_identifier(found["kind"], found["identifier"], text), index, uri)


def _identifier(kind: str, value: str, text: str) -> int | str | uuid.UUID | bytes:
    try:
        match kind:
            case "i" if value.isascii() and value.isdigit() and int(value) <= LARGEST_NUMBER:
                return int(value)
            case "s" if value.isprintable():
                return value
            case "g":
                return uuid.UUID(value)
            case "b":
                return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        pass  # said below, as for the other kinds
    wanted = {"i": "a number up to 4294967295", "s": "printable text", "g": "a GUID", "b": "base64"}[kind]
    raise AddressError(f"The identifier of {text!r} must be {wanted} after {kind}=.")
