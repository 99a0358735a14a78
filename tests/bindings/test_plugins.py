"""Connectors are found by protocol, and a missing one is a clear sentence."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from tests.bindings.fake import CONNECTORS, Documents
from twin.bindings import plugins
from twin.bindings.plugins import InstalledConnectors, connector_for
from twin.errors import InvalidInput


def test_an_unknown_protocol_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        connector_for("nodez", CONNECTORS)
    assert str(caught.value) == "No connector speaks 'nodez'. Did you mean 'nodes'? Installed are: fake, nodes."


def test_with_nothing_installed_it_says_so() -> None:
    with pytest.raises(InvalidInput, match="No connector is installed"):
        connector_for("mqtt", {})


def test_our_own_connectors_are_installed() -> None:
    found = InstalledConnectors()
    assert {"mqtt", "opcua"} <= set(found)
    assert connector_for("mqtt", found).protocol == "mqtt"


def test_a_connector_is_imported_when_it_is_asked_for_and_a_broken_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = [
        EntryPoint("fake", "tests.bindings.fake:Documents", plugins.GROUP),
        EntryPoint("broken", "tests.bindings.no_such_module:Connector", plugins.GROUP),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    found = InstalledConnectors()
    assert sorted(found) == ["broken", "fake"]
    assert len(found) == 2
    assert found["fake"] is Documents
    with pytest.raises(InvalidInput, match=r"'broken' .* cannot be loaded"):
        connector_for("broken", found)
