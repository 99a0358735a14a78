"""Vendor B: an OPC UA server on loopback, in degrees C, with its own names, units and integer enums.

Nodes carry the time of their sampling; a device that cannot be reached reports ``BadCommunicationError``.  A write to
a setpoint takes effect at once, and is refused with ``BadOutOfRange`` beyond what the device takes.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AddressSpace, AttributeService
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from connectors.simulator.opcua_nodes import LeanServer, node_id, standard_id
from connectors.simulator.physics import Office
from connectors.simulator.vendor_b_points import INDEX, NAMESPACE, POINTS, UNREACHABLE, OpcUaPoint
from connectors.simulator.writes import Writes

_ADMINISTRATOR = User(role=UserRole.Admin)


class VendorB:
    """Vendor B's side of the office.  ``port`` 0 picks a free one, which is kept over stops and starts."""

    name = "vendor-b"

    def __init__(self, office: Office, writes: Writes, port: int = 0) -> None:
        self.office = office
        self.writes = writes
        self._port = port
        self._server: Server | None = None
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)

    @property
    def endpoint(self) -> str:
        """Where to connect, e.g. ``opc.tcp://127.0.0.1:40124/twin/``."""
        return f"opc.tcp://127.0.0.1:{self._port}/twin/"

    async def start(self) -> None:
        """Builds the address space and opens the server; every node has its value when it returns."""
        if self._server is not None:
            return
        core = LeanServer()
        core.attribute_service = _DeviceWrites(core.aspace, self)
        server = Server(iserver=core)
        server.disable_clock()  # it would make every stop wait for its next second; `refresh` keeps the time
        await server.init()
        server.set_endpoint(self.endpoint)
        server.set_server_name("Borealis Building Controls")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        index = await server.register_namespace(NAMESPACE)
        if index != INDEX:
            raise RuntimeError(f"{NAMESPACE} became namespace {index}, not {INDEX}.")
        signals = self.office.signals()
        values = {point.point: point.coding.encode(signals.get(point.point, 0.0)) for point in POINTS}
        for result in core.node_mgt_service.add_nodes(_nodes(values)):
            result.StatusCode.check()
        await server.start()
        if server.bserver is not None:
            self._port = server.bserver.port
        server.set_endpoint(self.endpoint)
        for description in core.endpoints:
            description.EndpointUrl = self.endpoint
        self._server = server
        await self.refresh()

    async def stop(self) -> None:
        """Cuts every client off and closes the server."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def refresh(self) -> None:
        """Samples every instrument now and tells the subscribers."""
        await self._sample(POINTS)
        if self._server is not None:
            await self._server.get_node(ObjectIds.Server_ServerStatus_CurrentTime).write_value(datetime.now(UTC))

    async def sample(self, point: OpcUaPoint) -> None:
        """Samples one instrument now, as devices do after a write."""
        await self._sample([point])

    def unreachable(self, point: OpcUaPoint) -> bool:
        """Whether the point's device is cut off now."""
        return any(point.device == device and fault in self.office.faults for fault, device in UNREACHABLE.items())

    async def _sample(self, points: list[OpcUaPoint] | tuple[OpcUaPoint, ...]) -> None:
        if self._server is None:
            return
        core = self._server.iserver
        signals, now = self.office.signals(), datetime.now(UTC)
        for point in points:
            value = _variant(point.coding.encode(signals.get(point.point, 0.0)))
            status = StatusCodes.BadCommunicationError if self.unreachable(point) else StatusCodes.Good
            await core.write_attribute_value(_node_id(point), _sample(value, status, now))


class _DeviceWrites(AttributeService):
    """Where clients' writes arrive: each goes to the device behind its node, which takes or refuses it."""

    def __init__(self, space: AddressSpace, vendor: VendorB) -> None:
        super().__init__(space)
        self._vendor = vendor
        self._points = {point.identifier: point for point in POINTS if point.writable}

    async def write(self, params: ua.WriteParameters, user: User = _ADMINISTRATOR) -> list[ua.StatusCode]:
        if user.role == UserRole.Admin:  # the stack itself, keeping its status nodes
            return await super().write(params, user)
        return [await self._one(item, user) for item in params.NodesToWrite]

    async def _one(self, item: ua.WriteValue, user: User) -> ua.StatusCode:
        point = self._points.get(item.NodeId.Identifier) if item.NodeId.NamespaceIndex == INDEX else None
        if point is None or item.AttributeId != AttributeIds.Value or item.Value.Value is None:
            return (await super().write(ua.WriteParameters(NodesToWrite=[item]), user))[0]
        vendor, raw = self._vendor, item.Value.Value.Value
        if vendor.unreachable(point):
            return self._refused(point, raw, StatusCodes.BadCommunicationError, "The device cannot be reached.")
        held = _variant(point.coding.encode(vendor.office.setting(point.point)))
        if item.Value.Value.VariantType != held.VariantType:
            return self._refused(point, raw, StatusCodes.BadTypeMismatch, "The node holds values of another type.")
        try:
            vendor.office.command(point.point, point.coding.decode(raw))
        except ValueError as error:
            return self._refused(point, raw, StatusCodes.BadOutOfRange, str(error))
        vendor.writes.taken(vendor.name, point.address, raw)
        await vendor.sample(point)
        return ua.StatusCode()

    def _refused(self, point: OpcUaPoint, raw: object, code: int, reason: str) -> ua.StatusCode:
        self._vendor.writes.refused(self._vendor.name, point.address, raw, reason)
        return _status(code)


def _sample(value: ua.Variant, status: Any, time: Any) -> ua.DataValue:
    return ua.DataValue(value, ua.StatusCode(status), SourceTimestamp=time, ServerTimestamp=time)


def _status(code: Any) -> ua.StatusCode:
    return ua.StatusCode(code)


def _node_id(point: OpcUaPoint) -> ua.NodeId:
    return node_id(point.identifier, INDEX)


def _variant(value: object) -> ua.Variant:
    if isinstance(value, bool):
        return ua.Variant(value, ua.VariantType.Boolean)
    if isinstance(value, int):
        return ua.Variant(value, ua.VariantType.Int32)
    if isinstance(value, str):
        return ua.Variant(value, ua.VariantType.String)
    return ua.Variant(value, ua.VariantType.Double)


def _nodes(values: dict[str, object]) -> list[ua.AddNodesItem]:
    """An object for each device under Objects, and a variable for each of its points."""
    devices = dict.fromkeys(point.device for point in POINTS)
    items = [
        ua.AddNodesItem(
            ParentNodeId=standard_id("ObjectsFolder"), ReferenceTypeId=standard_id("Organizes"),
            RequestedNewNodeId=node_id(device, INDEX), BrowseName=ua.QualifiedName(device, INDEX),
            NodeClass=ua.NodeClass.Object, TypeDefinition=standard_id("BaseObjectType"),
            NodeAttributes=ua.ObjectAttributes(DisplayName=ua.LocalizedText(device)),
        )
        for device in devices
    ]  # fmt: skip
    for point in POINTS:
        access = ua.AccessLevel.CurrentRead.mask | (ua.AccessLevel.CurrentWrite.mask if point.writable else 0)
        value = _variant(values[point.point])
        attributes = ua.VariableAttributes(
            DisplayName=ua.LocalizedText(point.name), Value=value, DataType=node_id(value.VariantType.value),
            ValueRank=ua.ValueRank.Scalar, AccessLevel=access, UserAccessLevel=access,
        )  # fmt: skip
        items.append(
            ua.AddNodesItem(
                ParentNodeId=node_id(point.device, INDEX), ReferenceTypeId=standard_id("HasComponent"),
                RequestedNewNodeId=_node_id(point), BrowseName=ua.QualifiedName(point.name, INDEX),
                NodeClass=ua.NodeClass.Variable, TypeDefinition=standard_id("BaseDataVariableType"),
                NodeAttributes=attributes,
            )
        )  # fmt: skip
    return items
