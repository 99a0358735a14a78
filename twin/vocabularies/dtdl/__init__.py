"""DTDL v2, v3 and v4: reading, checking, and what it becomes in the graph.  Usable alone."""

from __future__ import annotations

from twin.vocabularies.dtdl.instances import twin_quads
from twin.vocabularies.dtdl.interfaces import Content, EnumSchema, Interface, InterfaceSet
from twin.vocabularies.dtdl.problems import Problem
from twin.vocabularies.dtdl.reading import check, parse, read_interfaces
from twin.vocabularies.dtdl.to_graph import interface_quads

__all__ = ["Content", "EnumSchema", "Interface", "InterfaceSet", "Problem", "check", "interface_quads", "parse",
           "read_interfaces", "twin_quads"]  # fmt: skip
