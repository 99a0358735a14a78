"""What a server offers to be bound, found by browsing.  Imports asyncua, like `connectors.opcua.session`."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import AsyncIterator, Sequence

from asyncua import Client, ua

from connectors.opcua.values import scalar
from twin.connector import Candidate

OBJECTS = ua.NodeId(ua.ObjectIds.ObjectsFolder)
SERVER = ua.NodeId(ua.ObjectIds.Server)
WRITE = 0x02
"""The bit of an access level that allows writing the present value (Part 3, 8.57)."""


async def variables(client: Client, namespaces: Sequence[str]) -> AsyncIterator[Candidate]:
    """Yields the variables below the Objects folder, nearest first; the server's own diagnostics are left out."""
    waiting: deque[tuple[ua.NodeId, str]] = deque([(OBJECTS, "")])
    seen = {OBJECTS, SERVER}
    while waiting:
        node, path = waiting.popleft()
        found = await client.get_node(node).get_references(
            refs=ua.ObjectIds.HierarchicalReferences, direction=ua.BrowseDirection.Forward
        )
        for each in found:
            if each.NodeId in seen or getattr(each.NodeId, "ServerIndex", 0) != 0:
                continue  # already offered, or a node of another server
            seen.add(each.NodeId)
            name = f"{path}/{each.BrowseName.Name}".lstrip("/")
            if each.NodeClass == ua.NodeClass.Object:
                waiting.append((each.NodeId, name))
            elif each.NodeClass == ua.NodeClass.Variable and each.ReferenceTypeId != _PROPERTY:
                waiting.append((each.NodeId, name))
                yield await _candidate(client, each.NodeId, name, namespaces)


_PROPERTY = ua.NodeId(ua.ObjectIds.HasProperty)


async def _candidate(client: Client, node: ua.NodeId, name: str, namespaces: Sequence[str]) -> Candidate:
    attributes = (ua.AttributeIds.Value, ua.AttributeIds.UserAccessLevel)
    wanted = [ua.ReadValueId(NodeId=node, AttributeId=each) for each in attributes]
    value, access = await client.uaclient.read(ua.ReadParameters(NodesToRead=wanted))
    present = value.Value.Value if value.Value is not None else None
    level = access.Value.Value if access.Value is not None else 0
    return Candidate(
        address=_address(node, namespaces),
        name=name,
        writable=bool((level or 0) & WRITE),
        unit=await _unit(client, node),
        sample="" if present is None else str(scalar(present)),
    )


async def _unit(client: Client, node: ua.NodeId) -> str:
    """The symbol of the variable's engineering unit (Part 8, 5.6.3), or nothing."""
    for each in await client.get_node(node).get_references(ua.ObjectIds.HasProperty, ua.BrowseDirection.Forward):
        if each.BrowseName.Name == "EngineeringUnits":
            unit = await client.get_node(each.NodeId).read_value()
            return str(unit.DisplayName.Text or "") if isinstance(unit, ua.EUInformation) else ""
    return ""


def _address(node: ua.NodeId, namespaces: Sequence[str]) -> str:
    """The node id with its namespace as a URI, which stays the same when the server numbers them anew."""
    identifier = node.Identifier
    match node.NodeIdType:
        case ua.NodeIdType.String:
            text = f"s={identifier}"
        case ua.NodeIdType.Guid:
            text = f"g={identifier}"
        case ua.NodeIdType.ByteString:
            text = f"b={base64.b64encode(identifier).decode()}"
        case _:
            text = f"i={identifier}"
    if node.NamespaceIndex == 0:
        return text
    if node.NamespaceIndex >= len(namespaces):
        return f"ns={node.NamespaceIndex};{text}"
    return f"nsu={namespaces[node.NamespaceIndex].replace('%', '%25').replace(';', '%3B')};{text}"
