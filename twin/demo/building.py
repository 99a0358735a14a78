"""Harbour Office, the demo building: its model in three vocabularies, its wiring, and the swap of AHU 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILES = Path(__file__).parent / "building"
_MODELLED = ("office.ttl", "wing.ttl", "rooftop-unit.dtdl.json", "rooftop-unit.twin.json")
_ENDPOINTS = ("mqtt://127.0.0.1:1883", "opc.tcp://127.0.0.1:4840/twin/")  # as they stand in the file


def model_files() -> list[Path]:
    """The files that model the building, to be imported together as the site ``office``: Brick, SAREF, and a DTDL
    interface with its twin."""
    return [_FILES / name for name in _MODELLED]


def bindings(mqtt: str, opcua: str) -> str:
    """The connections and bindings as Turtle, for vendor A's broker and vendor B's server at these endpoints.

    The endpoints are URLs such as ``mqtt://127.0.0.1:1883`` and ``opc.tcp://127.0.0.1:4840/twin/``.
    """
    text = (_FILES / "bindings.ttl").read_text(encoding="utf-8")
    for written, real in zip(_ENDPOINTS, (mqtt, opcua), strict=True):
        text = text.replace(f"twin:endpoint {json.dumps(written)}", f"twin:endpoint {json.dumps(real)}")
    return text


def swap_ahu_1() -> list[dict[str, Any]]:
    """What moves AHU 1 to vendor B: for each of its properties ``{"property": IRI, "to": BindingInput}``, in the form
    of the GraphQL mutation ``swapBinding``."""
    swaps: list[dict[str, Any]] = json.loads((_FILES / "swap-ahu-1.json").read_text(encoding="utf-8"))
    return swaps
