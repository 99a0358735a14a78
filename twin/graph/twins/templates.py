"""Binding templates: one statement for all properties whose IRIs follow a pattern, each at an address of its own.

A template's address and the pattern of its properties hold the same captures in braces.  With ``acme/{room}/status``
and ``urn:twin:hq:room-{room}:temperature``, the property ``urn:twin:hq:room-101:temperature`` is bound at
``acme/101/status``; the connection reads ``acme/+/status`` once for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from twin.graph.overlay import QuadView
from twin.graph.twins.records import BindingRecord
from twin.graph.twins.wiring import read_bindings
from twin.vocab import TWIN

_CAPTURE = re.compile(r"\{(\w+)\}")


def captures(text: str) -> list[str]:
    """The names in braces in an address or a pattern, each once, in their order."""
    return list(dict.fromkeys(_CAPTURE.findall(text)))


@dataclass(frozen=True, slots=True)
class Template:
    """A binding for many: ``record`` as it is written, with the pattern in place of its property."""

    record: BindingRecord
    matches: re.Pattern[str]
    address: str
    """The address with ``+`` for each level that holds a capture: what is read once for all."""

    def bound(self, property_iri: str) -> BindingRecord | None:
        """The binding of a property that the pattern fits, else None."""
        found = self.matches.fullmatch(property_iri)
        if found is None:
            return None
        values = found.groupdict()

        def filled(text: str) -> str:
            return _CAPTURE.sub(lambda capture: values[f"_{capture[1]}"], text)

        record = self.record
        return replace(
            record,
            iri=f"{property_iri}#binding",
            property=property_iri,
            address=filled(record.address),
            write_address=None if record.write_address is None else filled(record.write_address),
            read_with=self.address,
        )


def template_of(record: BindingRecord) -> Template | None:
    """The template that a record with a pattern for its property is; None when captures and pattern do not fit, which
    the shapes report."""
    known = set(captures(record.property))
    used = {*captures(record.address), *captures(record.write_address or "")}
    if not known or known != used:
        return None
    parts, at, seen = [], 0, set()
    for capture in _CAPTURE.finditer(record.property):
        parts.append(re.escape(record.property[at : capture.start()]))
        name = f"_{capture[1]}"  # a group's name may not begin with a digit, and a capture's may
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>[^/+#]+?)")
        seen.add(name)
        at = capture.end()
    parts.append(re.escape(record.property[at:]))
    levels = ("+" if _CAPTURE.search(level) else level for level in record.address.split("/"))
    return Template(record, re.compile("".join(parts)), "/".join(levels))


def read_templates(view: QuadView, sites: Iterable[str]) -> list[Template]:
    """The templates of these sites that can work, by IRI."""
    found = (template_of(record) for record in read_bindings(view, sites, TWIN.bindsEach))
    return [template for template in found if template is not None]


def expanded(templates: Iterable[Template], property_iri: str) -> BindingRecord | None:
    """The binding that the first of the templates has for a property, or None."""
    for template in templates:
        if (record := template.bound(property_iri)) is not None:
            return record
    return None
