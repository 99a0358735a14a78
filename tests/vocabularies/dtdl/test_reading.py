"""What the reader accepts, what it refuses, and how it says so."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import InvalidInput
from twin.vocabularies.dtdl import EnumSchema, check, parse, read_interfaces

REFERENCE = Path(os.environ.get("TWIN_REFERENCE_DATA", Path(__file__).parents[4] / "shared" / "data"))
REC = REFERENCE / "dtdl" / "RealEstateCore.DTDLv2.jsonld"


def interface(*contents: dict[str, Any], version: int = 3, **members: Any) -> dict[str, Any]:
    context: Any = f"dtmi:dtdl:context;{version}"
    if version > 2:
        context = [context, f"dtmi:dtdl:extension:quantitativeTypes;{1 if version == 3 else 2}"]
    document = {"@context": context, "@id": "dtmi:com:example:Unit;1", "@type": "Interface", "contents": list(contents)}
    return document | members


def telemetry(**members: Any) -> dict[str, Any]:
    return {"@type": "Telemetry", "name": "reading", "schema": "double"} | members


def rules(*documents: Any, **options: Any) -> list[str]:
    text = json.dumps(documents[0] if len(documents) == 1 else list(documents))
    return [problem.rule for problem in check(text, **options)]


@pytest.mark.parametrize("version", [2, 3, 4])
def test_an_interface_of_each_version_reads_without_problems(version: int) -> None:
    contents = [
        {"@type": ["Telemetry", "Temperature"], "name": "t", "schema": "double", "unit": "degreeCelsius"},
        {"@type": "Property", "name": "on", "schema": "boolean", "writable": True},
        {"@type": "Relationship", "name": "feeds", "target": "dtmi:com:example:Zone;1"},
        {"@type": "Command", "name": "reset", "request": {"name": "delay", "schema": "integer"}},
    ]
    assert rules(interface(*contents, version=version)) == []


def test_a_byte_order_mark_an_array_and_long_json_ld_words_are_understood() -> None:
    document = interface(telemetry(), version=2)
    document["@type"] = "dtmi:dtdl:class:Interface;2"
    document["dtmi:dtdl:property:contents;2"] = document.pop("contents")
    interfaces = read_interfaces([b"\xef\xbb\xbf" + json.dumps([document]).encode()])
    assert [content.name for content in interfaces.contents("dtmi:com:example:Unit;1")] == ["reading"]


def test_a_graph_of_interfaces_under_one_context_is_understood() -> None:
    inner = interface(telemetry(), version=2)
    context = inner.pop("@context")
    assert rules({"@context": context, "@graph": [inner]}) == []


def test_contents_have_the_identifier_the_language_assigns() -> None:
    interfaces = read_interfaces([json.dumps(interface(telemetry()))])
    assert interfaces.contents("dtmi:com:example:Unit;1")[0].dtmi == "dtmi:com:example:Unit:_contents:__reading;1"


def test_inherited_contents_come_with_an_interface_each_once() -> None:
    base = interface(telemetry(name="base"), **{"@id": "dtmi:com:example:Base;1"})
    left = interface(telemetry(name="left"), **{"@id": "dtmi:com:example:Left;1", "extends": "dtmi:com:example:Base;1"})
    right = interface(telemetry(name="right"), **{"@id": "dtmi:com:example:Right;1", "extends": base})
    both = interface(extends=["dtmi:com:example:Left;1", "dtmi:com:example:Right;1"])
    interfaces = read_interfaces([json.dumps([left, right, both])])
    assert sorted(content.name for content in interfaces.contents(both["@id"])) == ["base", "left", "right"]


def test_an_enum_keeps_its_names_in_order_with_their_wire_values() -> None:
    values = [{"name": "off", "enumValue": 0}, {"name": "run", "enumValue": 7}]
    enum = {"@type": "Enum", "valueSchema": "integer", "enumValues": values}
    interfaces = read_interfaces([json.dumps(interface(telemetry(schema=enum)))])
    schema = interfaces.contents("dtmi:com:example:Unit;1")[0].schema
    assert isinstance(schema, EnumSchema)
    assert schema.values == (("off", 0), ("run", 7))


def test_a_schema_may_be_defined_once_and_named_afterwards() -> None:
    enum = {
        "@id": "dtmi:com:example:Mode;1", "@type": "Enum", "valueSchema": "string",
        "enumValues": [{"name": "off", "enumValue": "off"}],
    }  # fmt: skip
    document = interface(telemetry(schema="dtmi:com:example:Mode;1"), schemas=[enum])
    assert isinstance(read_interfaces([json.dumps(document)]).contents(document["@id"])[0].schema, EnumSchema)


def test_every_problem_is_reported_not_the_first_alone() -> None:
    document = interface(telemetry(schema="doubel"), {"@type": "Telemetri", "name": "x"}, telemetry(name="2nd"))
    assert sorted(rules(document)) == ["name.syntax", "schema.unknown", "type.unexpected"]


def test_a_problem_says_document_identifier_path_and_remedy() -> None:
    _, problems = parse({"unit.json": json.dumps([interface(telemetry(schema="doubel"))])})
    (problem,) = problems
    assert problem.document == "unit.json"
    assert problem.dtmi == "dtmi:com:example:Unit:_contents:__reading;1"
    assert problem.path == "/0/contents/0/schema"
    assert problem.remedy == "Did you mean double?"
    assert problem.as_mapping().keys() == {"rule", "dtmi", "path", "message", "remedy"}


def test_reading_what_has_problems_raises_one_error_that_lists_them() -> None:
    with pytest.raises(InvalidInput, match="2 problems") as raised:
        read_interfaces([json.dumps(interface(telemetry(schema="x"), telemetry(name="y", schema="z")))])
    assert len(raised.value.details["problems"]) == 2


def test_text_that_is_no_json_is_told_with_line_and_column() -> None:
    (problem,) = check('{\n  "@context": oops}')
    assert problem.rule == "json.syntax"
    assert "line 2, column" in problem.message


WRONG: dict[str, tuple[Any, str]] = {
    "no context": ({"@id": "dtmi:a;1", "@type": "Interface"}, "context.missing"),
    "other context": (interface(**{"@context": "https://example.org"}), "context.form"),
    "version 9": (interface(version=2, **{"@context": "dtmi:dtdl:context;9"}), "context.version"),
    "unknown extension": (
        interface(**{"@context": ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:magic;1"]}),
        "context.undefined",
    ),
    "extension of another version": (
        interface(**{"@context": ["dtmi:dtdl:context;4", "dtmi:dtdl:extension:quantitativeTypes;1"]}),
        "context.extension",
    ),
    "no type": ({key: value for key, value in interface().items() if key != "@type"}, "type.missing"),
    "two types": (interface(**{"@type": ["Interface", "Property"]}), "type.many"),
    "no id": ({key: value for key, value in interface().items() if key != "@id"}, "id.missing"),
    "id without version in v2": (interface(version=2, **{"@id": "dtmi:com:example:Unit"}), "id.syntax"),
    "id with leading digit": (interface(**{"@id": "dtmi:com:1st;1"}), "id.syntax"),
    "system id": (interface(**{"@id": "dtmi:com:_sys:Unit;1"}), "id.system"),
    "reserved id": (interface(**{"@id": "dtmi:dtdl:Unit;1"}), "id.reserved"),
    "long id": (interface(**{"@id": "dtmi:" + "a" * 128 + ";1"}), "id.length"),
    "unknown member": (interface(displayname="x"), "member.unknown"),
    "unknown keyword": (interface(**{"@reverse": {}}), "member.keyword"),
    "no name": (interface({"@type": "Telemetry", "schema": "double"}), "member.missing"),
    "no schema": (interface({"@type": "Telemetry", "name": "x"}), "member.missing"),
    "text where a boolean belongs": (
        interface({"@type": "Property", "name": "x", "schema": "double", "writable": "yes"}),
        "member.type",
    ),
    "names alike": (interface(telemetry(), telemetry()), "name.twice"),
    "name ends in underscore": (interface(telemetry(name="x_")), "name.syntax"),
    "long name in v2": (interface(telemetry(name="n" * 65), version=2), "limit.length"),
    "long comment": (interface(comment="c" * 513), "limit.length"),
    "bad language": (interface(displayName={"English!": "x"}), "localized.language"),
    "negative multiplicity": (
        interface({"@type": "Relationship", "name": "r", "maxMultiplicity": 0}),
        "limit.value",
    ),
    "target that is no identifier": (
        interface({"@type": "Relationship", "name": "r", "target": "Room"}),
        "reference.syntax",
    ),
    "missing parent": (interface(extends="dtmi:com:example:Gone;1"), "reference.missing"),
    "extends itself": (interface(extends="dtmi:com:example:Unit;1"), "extends.cycle"),
    "missing component": (
        interface({"@type": "Component", "name": "c", "schema": "dtmi:com:example:Gone;1"}),
        "reference.missing",
    ),
    "missing schema": (interface(telemetry(schema="dtmi:com:example:Gone;1")), "reference.missing"),
    "enum of mixed values": (
        interface(telemetry(schema={
            "@type": "Enum", "valueSchema": "integer", "enumValues": [{"name": "a", "enumValue": "a"}],
        })),
        "enum.value",
    ),
    "enum value twice": (
        interface(telemetry(schema={
            "@type": "Enum", "valueSchema": "integer",
            "enumValues": [{"name": "a", "enumValue": 1}, {"name": "b", "enumValue": 1}],
        })),
        "enum.twice",
    ),
    "array in a property of v2": (
        interface(
            {"@type": "Property", "name": "x", "schema": {"@type": "Array", "elementSchema": "double"}}, version=2
        ),
        "schema.array",
    ),
    "semantic type without unit in v2": (interface(telemetry(**{"@type": ["Telemetry", "Temperature"]}), version=2),
                                         "semantic.unit"),
    "unit of another quantity": (
        interface(telemetry(**{"@type": ["Telemetry", "Temperature"], "unit": "pascal"})),
        "semantic.unit",
    ),
    "unit without semantic type": (interface(telemetry(unit="degreeCelsius")), "member.unknown"),
    "semantic type on text": (
        interface(telemetry(**{"@type": ["Telemetry", "Temperature"], "unit": "kelvin", "schema": "string"})),
        "semantic.schema",
    ),
    "undefined type in v3": (interface(telemetry(**{"@type": ["Telemetry", "Fancy"]})), "cotype.undefined"),
    "an array of numbers": ([1], "document.object"),
    "an empty array": ([], "document.empty"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_usual_mistake_is_found(case: str) -> None:
    document, rule = WRONG[case]
    assert rule in rules(document)


def test_schemas_nest_no_deeper_than_the_version_allows() -> None:
    schema: Any = "double"
    for _ in range(6):
        schema = {"@type": "Array", "elementSchema": schema}
    assert rules(interface(telemetry(schema=schema), version=3)) == ["schema.depth"]
    assert rules(interface(telemetry(schema=schema), version=4)) == []


def test_a_schema_may_hold_itself_in_version_4_alone() -> None:
    tree = {
        "@id": "dtmi:com:example:Tree;1", "@type": "Object",
        "fields": [{"name": "branches", "schema": {"@type": "Array", "elementSchema": "dtmi:com:example:Tree;1"}}],
    }  # fmt: skip
    document = [telemetry(schema="dtmi:com:example:Tree;1")]
    assert set(rules(interface(*document, version=3, schemas=[tree]))) == {"schema.cycle"}
    assert rules(interface(*document, version=4, schemas=[tree])) == []


@pytest.mark.parametrize(("version", "levels", "expected"), [(3, 10, []), (3, 11, ["extends.depth"]), (4, 12, [])])
def test_inheritance_goes_no_deeper_than_the_version_allows(version: int, levels: int, expected: list[str]) -> None:
    chain = [interface(version=version, **{"@id": "dtmi:com:example:L0;1"})]
    for level in range(1, levels + 1):
        above = f"dtmi:com:example:L{level - 1};1"
        chain.append(interface(version=version, **{"@id": f"dtmi:com:example:L{level};1", "extends": above}))
    assert rules(*chain) == expected


def test_undefined_types_and_members_follow_the_version_unless_the_caller_says() -> None:
    fancy = telemetry(**{"@type": ["Telemetry", "Fancy"], "glitter": 3})
    assert rules(interface(fancy, version=2)) == []
    assert rules(interface(fancy, version=2), allow_undefined_extensions=False) == ["cotype.undefined"]
    assert rules(interface(fancy, version=3), allow_undefined_extensions=True) == []


def test_a_newer_version_than_wanted_is_refused() -> None:
    assert rules(interface(version=4), max_version=3) == ["context.version"]


def test_two_definitions_of_one_identifier_must_agree() -> None:
    assert rules(interface(), interface()) == []
    assert rules(interface(), interface(comment="other")) == ["id.twice"]


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["@id", "@type", "@context", "contents", "schema", "name", "extends", "fields", "unit", "x"]),
        inner | st.sampled_from(["Interface", "Telemetry", "double", "dtmi:dtdl:context;3", "dtmi:a:b;1", "Enum"]),
        max_size=5,
    ),
    max_leaves=20,
))  # fmt: skip
def test_any_json_gets_an_answer_and_never_a_traceback(value: Any) -> None:
    document = interface(value if isinstance(value, dict) else {}, extends=value, schemas=value)
    assert isinstance(check(json.dumps(value)), list)
    assert isinstance(check(json.dumps(document)), list)


@pytest.mark.parametrize("deep", ['{"a":' * 50_000 + "1" + "}" * 50_000, "[" * 900 + "]" * 900])
def test_deep_nesting_is_refused_in_words(deep: str) -> None:
    assert [problem.rule for problem in check(deep)] in (["json.depth"], ["json.syntax"])


@pytest.mark.skipif(
    not REC.is_file(), reason="the RealEstateCore file is not here; TWIN_REFERENCE_DATA names its folder"
)
def test_the_whole_of_realestatecore_reads_without_a_problem() -> None:
    interfaces, problems = parse([REC.read_bytes()])
    assert problems == []
    assert len(interfaces.interfaces) == 1364
    assert "hasPoint" in {content.name for content in interfaces.contents("dtmi:org:brickschema:schema:Brick:AHU;1")}
