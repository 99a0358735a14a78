"""The few standard OPC UA nodes that a server of plain variables needs (OPC 10000-5, namespace 0).

The stack would load all 7,000 of them, which costs a second and 45 MB; clients that read, write, browse and subscribe
ask for none of the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.server.internal_server import InternalServer
from asyncua.ua.object_ids import ObjectIds

# name of the node in the standard, its parent and the reference from it (. for none)
_FOLDERS = """
RootFolder . .
ObjectsFolder RootFolder Organizes
TypesFolder RootFolder Organizes
ViewsFolder RootFolder Organizes
ObjectTypesFolder TypesFolder Organizes
VariableTypesFolder TypesFolder Organizes
DataTypesFolder TypesFolder Organizes
ReferenceTypesFolder TypesFolder Organizes
"""
_OBJECT_TYPES = """
BaseObjectType . .
FolderType BaseObjectType HasSubtype
ServerType BaseObjectType HasSubtype
"""
_VARIABLE_TYPES = """
BaseVariableType VariableTypesFolder Organizes
BaseDataVariableType BaseVariableType HasSubtype
PropertyType BaseVariableType HasSubtype
"""
_REFERENCE_TYPES = """
References ReferenceTypesFolder Organizes
HierarchicalReferences References HasSubtype
NonHierarchicalReferences References HasSubtype
HasChild HierarchicalReferences HasSubtype
Organizes HierarchicalReferences HasSubtype
Aggregates HasChild HasSubtype
HasSubtype HasChild HasSubtype
HasProperty Aggregates HasSubtype
HasComponent Aggregates HasSubtype
HasTypeDefinition NonHierarchicalReferences HasSubtype
"""
_DATA_TYPES = """
BaseDataType DataTypesFolder Organizes
Boolean BaseDataType HasSubtype
String BaseDataType HasSubtype
DateTime BaseDataType HasSubtype
Structure BaseDataType HasSubtype
Enumeration BaseDataType HasSubtype
Number BaseDataType HasSubtype
Double Number HasSubtype
Integer Number HasSubtype
Int32 Integer HasSubtype
UInteger Number HasSubtype
Byte UInteger HasSubtype
UInt32 UInteger HasSubtype
BuildInfo Structure HasSubtype
ServerStatusDataType Structure HasSubtype
ServerState Enumeration HasSubtype
"""
_SERVER_OBJECTS = """
Server ObjectsFolder Organizes
Server_ServerCapabilities Server HasComponent
Server_ServerCapabilities_OperationLimits Server_ServerCapabilities HasComponent
"""
_STATUS, _BUILD = "Server_ServerStatus", "Server_ServerStatus_BuildInfo"
_LIMITS = "Server_ServerCapabilities_OperationLimits"
# variables of the server object: parent, then name and data type
_SERVER_VARIABLES = (
    ("Server", "ServerArray String", "NamespaceArray String", "ServerStatus ServerStatusDataType", "ServiceLevel Byte"),
    (_STATUS, "StartTime DateTime", "CurrentTime DateTime", "State ServerState", "BuildInfo BuildInfo"),
    (_BUILD, "ProductUri String", "ManufacturerName String", "ProductName String", "SoftwareVersion String",
     "BuildNumber String", "BuildDate DateTime"),
    (_LIMITS, *(f"{name} UInt32" for name in (
        "MaxNodesPerRead", "MaxNodesPerHistoryReadData", "MaxNodesPerHistoryReadEvents", "MaxNodesPerWrite",
        "MaxNodesPerHistoryUpdateData", "MaxNodesPerHistoryUpdateEvents", "MaxNodesPerMethodCall", "MaxNodesPerBrowse",
        "MaxNodesPerRegisterNodes", "MaxNodesPerTranslateBrowsePathsToNodeIds", "MaxNodesPerNodeManagement",
        "MaxMonitoredItemsPerCall"))),
)  # fmt: skip


class LeanServer(InternalServer):
    """An OPC UA server core whose namespace 0 holds what is listed here."""

    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        """Builds namespace 0; the stack calls it once."""
        pending = [
            *_items(_OBJECT_TYPES, ua.NodeClass.ObjectType, ua.ObjectTypeAttributes),
            *_items(_VARIABLE_TYPES, ua.NodeClass.VariableType, ua.VariableTypeAttributes),
            *_items(_REFERENCE_TYPES, ua.NodeClass.ReferenceType, ua.ReferenceTypeAttributes),
            *_items(_DATA_TYPES, ua.NodeClass.DataType, ua.DataTypeAttributes),
            *_items(_FOLDERS, ua.NodeClass.Object, ua.ObjectAttributes, "FolderType"),
            *_items(_SERVER_OBJECTS, ua.NodeClass.Object, ua.ObjectAttributes, "BaseObjectType"),
            *_variables(),
        ]
        while pending:  # a node waits for its parent and its type
            left = list(self.node_mgt_service.try_add_nodes(pending, check=False))
            if len(left) == len(pending):
                raise RuntimeError(f"No place for the standard nodes {[item.BrowseName.Name for item in left]}.")
            pending = left
        item = ua.AddReferencesItem(
            SourceNodeId=standard_id("ObjectTypesFolder"), ReferenceTypeId=standard_id("Organizes"), IsForward=True,
            TargetNodeId=standard_id("BaseObjectType"), TargetNodeClass=ua.NodeClass.ObjectType,
        )  # fmt: skip
        self.node_mgt_service.add_references([item])[0].check()


def node_id(identifier: Any, namespace: Any = 0) -> ua.NodeId:
    """A node id of a plain number or text; the stack's own type for each would have to be named otherwise."""
    return ua.NodeId(identifier, namespace)


def standard_id(name: str) -> ua.NodeId:
    """The node id that the standard gives to a name, e.g. ``ObjectsFolder``."""
    return node_id(getattr(ObjectIds, name))


def _items(rows: str, node_class: ua.NodeClass, attributes: type, type_definition: str = "") -> list[ua.AddNodesItem]:
    return [
        _item(name, name.rpartition("_")[2], parent, reference, node_class, attributes(), type_definition)
        for name, parent, reference in (row.split() for row in rows.split("\n") if row)
    ]


def _variables() -> list[ua.AddNodesItem]:
    items = []
    for parent, *children in _SERVER_VARIABLES:
        for child in children:
            name, data_type = child.split()
            rank = ua.ValueRank.OneDimension if name.endswith("Array") else ua.ValueRank.Scalar
            attributes = ua.VariableAttributes(
                DataType=standard_id(data_type), ValueRank=rank,
                AccessLevel=ua.AccessLevel.CurrentRead.mask, UserAccessLevel=ua.AccessLevel.CurrentRead.mask,
            )  # fmt: skip
            is_part = name in ("ServerStatus", "BuildInfo") or parent in (_STATUS, _BUILD)
            items.append(
                _item(
                    f"{parent}_{name}", name, parent, "HasComponent" if is_part else "HasProperty",
                    ua.NodeClass.Variable, attributes, "BaseDataVariableType" if is_part else "PropertyType",
                )
            )  # fmt: skip
    return items


def _item(
    name: str,
    browse_name: str,
    parent: str,
    reference: str,
    node_class: ua.NodeClass,
    attributes: Any,
    type_definition: str,
) -> ua.AddNodesItem:
    attributes.DisplayName = ua.LocalizedText(browse_name)
    item = ua.AddNodesItem(
        RequestedNewNodeId=standard_id(name), BrowseName=ua.QualifiedName(browse_name), NodeClass=node_class,
        NodeAttributes=attributes,
    )  # fmt: skip
    if parent != ".":
        item.ParentNodeId, item.ReferenceTypeId = standard_id(parent), standard_id(reference)
    if type_definition:
        item.TypeDefinition = standard_id(type_definition)
    return item
