"""The walk through a document: JSON objects become elements, and whatever the language does not allow is collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from twin.vocabularies.dtdl import dtmi as dtmis
from twin.vocabularies.dtdl import extensions, rules, values
from twin.vocabularies.dtdl.documents import Node, as_list, pointer, read_context, term, unwrapped
from twin.vocabularies.dtdl.elements import Element, Reference
from twin.vocabularies.dtdl.language import COMPLEX, GEOSPATIAL, Edition, Member, edition
from twin.vocabularies.dtdl.problems import Problem


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk stands: what is above an element and under which rules it is read."""

    document: str
    path: str
    parent: str
    """Identifier of the element above; empty at the top of a document."""
    via: str
    """The member of that element that holds this one; empty at the top."""
    plural: bool
    edition: Edition
    features: Mapping[str, int]
    undefined: bool
    """Whether a context is in force that nobody here defined, and may be."""


class Walk:
    """Reads documents into `interfaces` (inline ones included) and `problems`."""

    def __init__(self, *, allow_undefined_extensions: bool | None = None, max_version: int = 4) -> None:
        self.problems: list[Problem] = []
        self.interfaces: list[Element] = []
        self._allow_undefined = allow_undefined_extensions
        self._max_version = max_version

    def document(self, node: Node) -> None:
        """Reads one top-level object, which must be an Interface."""
        value = node.value
        start = Place(node.document, node.path, "", "", False, edition(2), {}, False)
        context = value.get("@context", node.context)
        if context is None:
            self._bad(start, "context.missing", "", "The document does not say which DTDL it is written in.",
                      'Add "@context": "dtmi:dtdl:context;3" to the Interface.')  # fmt: skip
            return
        place = self._entered(start, context)
        if place is not None:
            self.element(value, ("Interface",), place, untyped=False)

    # -- elements ----------------------------------------------------------------------------------------------

    def element(self, value: object, allowed: Sequence[str], place: Place, *, untyped: bool) -> Element | None:
        """The element that a JSON object says, or None when it is too wrong to be one."""
        if not isinstance(value, dict):
            kinds = " or ".join(allowed)
            self._bad(place, "value.object", place.parent, f"{values.shown(value)} stands where a {kinds} belongs.",
                      f"Write the {kinds} out as an object.")  # fmt: skip
            return None
        if "@context" in value and place.parent:
            entered = self._entered(place, value["@context"])
            if entered is None:
                return None
            place = entered
        typed = self._types(value, allowed, place, untyped=untyped)
        if typed is None:
            return None
        kind, cotypes = typed
        identifier = self._identifier(value, kind, place)
        members = self._members(value, kind, cotypes, identifier, place)
        element = Element(kind, identifier, place.edition.version, cotypes, members, place.document, place.path, value)
        if kind == "Interface":
            self.interfaces.append(element)
        self.problems += rules.judge(element, place.edition)
        return element

    def _types(
        self, value: Mapping[str, Any], allowed: Sequence[str], place: Place, *, untyped: bool
    ) -> tuple[str, frozenset[str]] | None:
        where = str(value.get("@id") or place.parent)
        if "@type" not in value:
            if untyped:
                return allowed[0], frozenset()
            self._bad(place, "type.missing", where, "The object has no @type.", f'Add "@type": "{allowed[0]}".')
            return None
        given = as_list(value["@type"])
        names = [term(name) for name in given if isinstance(name, str)]
        own = [name for name in names if name in place.edition.elements]
        fitting = [name for name in own if name in allowed]
        if len(names) != len(given):
            self._bad(place, "type.text", where, "A @type is a word or a list of words.", "Correct it.")
        if not fitting:
            near = _nearest(names, allowed)
            self._bad(place, "type.unexpected", where, f"@type {values.shown(value['@type'])} does not belong here.",
                      f"Use {' or '.join(allowed)}{f'; did you mean {near}' if near else ''}.")  # fmt: skip
            return None
        if len(own) > 1:
            self._bad(
                place, "type.many", where, f"One object cannot be {' and '.join(own)} at once.", "Keep one of them."
            )
        cotypes = frozenset(name for name in names if name not in own)
        for cotype in sorted(cotypes):
            self._cotype(cotype, fitting[0], where, place)
        return fitting[0], cotypes

    def _cotype(self, name: str, kind: str, where: str, place: Place) -> None:
        known = extensions.COTYPES.get(name)
        built_in = (
            known is not None and known.extension == "quantitativeTypes" and place.edition.semantic_types_built_in
        )
        if built_in:
            if kind not in ("Property", "Telemetry"):
                self._bad(place, "cotype.element", where, f"{name} cannot be a type of a {kind}.",
                          "Put it on a Property or a Telemetry.")  # fmt: skip
        elif known is not None and place.features.get(known.extension, 0) >= known.since:
            if kind not in known.on:
                self._bad(place, "cotype.element", where, f"{name} cannot be a type of a {kind}.",
                          f"Put it on a {' or '.join(known.on)}.")  # fmt: skip
        elif name in extensions.PARTNER_TERMS and place.undefined:
            return
        elif not self._undefined_allowed(place.edition):
            if known is None:
                remedy = "Remove it, or add the context that defines it."
            else:
                remedy = f'Add the context "dtmi:dtdl:extension:{known.extension};{max(known.since, 1)}" or later.'
            self._bad(place, "cotype.undefined", where, f"The type {name} is not defined.", remedy)

    def _identifier(self, value: Mapping[str, Any], kind: str, place: Place) -> str:
        given = value.get("@id")
        name = value.get("name")
        version = place.edition.version
        if given is None:
            if kind == "Interface" or (place.via == "schemas"):
                self._bad(place, "id.missing", place.parent, f"The {kind} has no @id.",
                          'Give it one, such as "dtmi:com:example:thing;1".')  # fmt: skip
            label = name if isinstance(name, str) else ""
            return dtmis.child(place.parent, place.via, label if place.plural else None) if place.parent else ""
        longest = dtmis.INTERFACE_LENGTH if kind == "Interface" else dtmis.USER_LENGTH
        if not isinstance(given, str) or not dtmis.is_dtmi(given, version):
            ending = "a version such as ;1" if version == 2 else "perhaps ;1"
            self._bad(place, "id.syntax", place.parent, f"@id {values.shown(given)} is no DTMI of DTDL {version}.",
                      f"Write dtmi:, words of letters, digits, underscores with colons between, {ending}.")  # fmt: skip
            return given if isinstance(given, str) else ""
        if not dtmis.is_user_dtmi(given, version):
            self._bad(place, "id.system", given, "A segment that starts with an underscore is reserved.",
                      "Start each segment with a letter.")  # fmt: skip
        if given.startswith(dtmis.RESERVED):
            self._bad(place, "id.reserved", given, "The prefix belongs to the language itself.",
                      "Use an identifier under your own domain.")  # fmt: skip
        if len(given) > longest:
            self._bad(place, "id.length", given, f"The @id of a {kind} has {len(given)} characters.",
                      f"Shorten it to {longest}.")  # fmt: skip
        return given

    # -- members -----------------------------------------------------------------------------------------------

    def _members(
        self, value: Mapping[str, Any], kind: str, cotypes: frozenset[str], identifier: str, place: Place
    ) -> dict[str, Any]:
        known = dict(place.edition.elements[kind])
        undefined = False
        for cotype in cotypes:
            adjunct = extensions.COTYPES.get(cotype)
            if adjunct is not None and (
                adjunct.extension in place.features
                or (place.edition.semantic_types_built_in and adjunct.extension == "quantitativeTypes")
            ):
                known |= adjunct.members
            else:
                undefined = True
        members: dict[str, Any] = {}
        for key, held in value.items():
            if key.startswith("@"):
                if key not in ("@id", "@type", "@context"):
                    self._bad(place, "member.keyword", identifier, f"DTDL does not use {key}.", "Remove it.", key)
                continue
            member = known.get(term(key))
            if member is not None:
                read = self._member(term(key), member, held, identifier, place)
                if read is not None:
                    members[term(key)] = read
            elif not undefined:
                self._unknown_member(key, kind, known, identifier, place)
        for key, member in known.items():
            if member.required and not any(term(given) == key for given in value):
                self._bad(place, "member.missing", identifier, f"The {kind} has no {key}.", f'Add "{key}".')
        return members

    def _unknown_member(self, key: str, kind: str, known: Iterable[str], identifier: str, place: Place) -> None:
        if key == "unit" and not place.edition.semantic_types_built_in and "quantitativeTypes" not in place.features:
            remedy = (
                'Add the context "dtmi:dtdl:extension:quantitativeTypes;1" and a semantic type such as Temperature.'
            )
        elif key == "unit":
            remedy = "Add a semantic type such as Temperature to @type, or remove the unit."
        else:
            near = _nearest([key], list(known))
            remedy = f"Did you mean {near}?" if near else f"Remove it; a {kind} has {', '.join(sorted(known))}."
        self._bad(place, "member.unknown", identifier, f"A {kind} has no member {key}.", remedy, key)

    def _member(self, key: str, member: Member, held: object, identifier: str, place: Place) -> Any:
        if member.kind in ("one", "many"):
            return self._held(key, member, held, identifier, place)
        if member.kind == "schema":
            return self._schema(key, held, identifier, place)
        found: list[Problem] = []
        at = values.At(place.document, pointer(place.path, key), identifier, key, place.edition.version)
        read = values.read(member, held, at, found)
        self.problems += found
        return read

    def _held(self, key: str, member: Member, held: object, identifier: str, place: Place) -> Any:
        items = as_list(held)
        if member.kind == "one" and len(items) > 1:
            self._bad(place, "member.single", identifier, f"{key} takes one value, not {len(items)}.", "Keep one.", key)
        if member.kind == "many" and member.longest is not None and len(items) > member.longest:
            self._bad(place, "limit.count", identifier, f"{key} has {len(items)} entries.",
                      f"DTDL {place.edition.version} allows {member.longest}.", key)  # fmt: skip
        read: list[Element | Reference] = []
        for index, item in enumerate(items):
            steps = (key, index) if isinstance(held, list) else (key,)
            inner = self._inside(place, identifier, key, steps, plural=member.kind == "many")
            target = unwrapped(item)
            if member.by_reference and isinstance(target, str):
                if dtmis.is_user_dtmi(target, place.edition.version):
                    read.append(Reference(target))
                else:
                    self._bad(inner, "reference.syntax", identifier, f"{values.shown(target)} is no DTMI.",
                              "Write the @id of the Interface.")  # fmt: skip
                continue
            element = self.element(item, member.of, inner, untyped=member.untyped)
            if element is not None:
                read.append(element)
        if member.kind == "one":
            return read[0] if read else None
        return tuple(read)

    def _schema(self, key: str, held: object, identifier: str, place: Place) -> Any:
        inner = self._inside(place, identifier, key, (key,), plural=False)
        value = unwrapped(held)
        if isinstance(value, dict):
            return self.element(value, COMPLEX, inner, untyped=False)
        if isinstance(value, str):
            name = term(value)
            if name in place.edition.primitives or name in GEOSPATIAL or name in place.edition.reserved:
                return name
            if dtmis.is_user_dtmi(value, place.edition.version):
                return Reference(value)
            if place.undefined or (name.endswith("Unit") and "overriding" in place.features):
                return name
            near = _nearest([name], sorted(place.edition.primitives))
            remedy = (
                f"Did you mean {near}?" if near else "Use a primitive such as double, or the @id of a complex schema."
            )
        else:
            remedy = "Use a primitive such as double, or a complex schema."
        self._bad(inner, "schema.unknown", identifier, f"{values.shown(held)} is no schema of DTDL"
                  f" {place.edition.version}.", remedy)  # fmt: skip
        return None

    # -- context -----------------------------------------------------------------------------------------------

    def _entered(self, place: Place, value: object) -> Place | None:
        """The place under a stated context, or None when the object cannot be read under it."""
        context = read_context(value)
        if context is None or (context.version == 0 and not place.parent):
            self._bad(place, "context.form", place.parent, f"@context {values.shown(value)} is no DTDL context.",
                      'Put "dtmi:dtdl:context;2", ";3" or ";4" first.', "@context")  # fmt: skip
            return None
        version = context.version or place.edition.version
        if version not in (2, 3, 4) or version > self._max_version:
            self._bad(place, "context.version", place.parent, f"DTDL version {version} is not accepted here.",
                      f"Use a version from 2 to {min(self._max_version, 4)}.", "@context")  # fmt: skip
            return None
        language = edition(version)
        features: dict[str, int] = {} if context.version else dict(place.features)
        undefined = place.undefined
        for other in context.others:
            feature = extensions.feature(other)
            if feature is not None and version in extensions.USABLE_FROM[feature[0]][feature[1]]:
                features[feature[0]] = feature[1]
            elif other in extensions.PARTNER_CONTEXTS and version == 2:
                undefined = True
            elif feature is not None:
                self._bad(place, "context.extension", place.parent, f"{other} cannot be used in DTDL {version}.",
                          "Use a version of the extension made for it.", "@context")  # fmt: skip
            elif self._undefined_allowed(language):
                undefined = True
            elif "limits" not in other:
                self._bad(place, "context.undefined", place.parent, f"Nobody here defines the context {other}.",
                          "Remove it, or allow undefined extensions.", "@context")  # fmt: skip
        return Place(place.document, place.path, place.parent, place.via, place.plural, language, features, undefined)

    def _undefined_allowed(self, language: Edition) -> bool:
        return language.undefined_extensions if self._allow_undefined is None else self._allow_undefined

    def _inside(self, place: Place, parent: str, via: str, steps: Sequence[str | int], *, plural: bool) -> Place:
        path = pointer(place.path, *steps)
        return Place(place.document, path, parent, via, plural, place.edition, place.features, place.undefined)

    def _bad(self, place: Place, rule: str, dtmi: str, message: str, remedy: str, key: str | None = None) -> None:
        path = place.path if key is None else pointer(place.path, key)
        self.problems.append(Problem(rule, dtmi, path, message, remedy, place.document))


def _nearest(words: Sequence[str], allowed: Sequence[str]) -> str | None:
    for word in words:
        if near := get_close_matches(word, allowed, n=1):
            return near[0]
    return None
