"""The schema as text, and the queries that come with the product."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from graphql import build_schema, parse, validate

from tests.api.server import Server
from twin.api.graphql import schema_hash, schema_text
from twin.api.graphql.saved import saved_queries
from twin.api.graphql.schema import schema


def test_the_schema_is_the_same_text_in_every_process() -> None:
    program = "from twin.api.graphql import schema_hash; print(schema_hash())"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == schema_hash()


def test_the_schema_is_sorted_and_complete() -> None:
    text = schema_text()
    types = [
        line.split(" ")[1] for line in text.splitlines() if line.startswith(("type ", "input ", "enum ", "scalar "))
    ]
    assert types == sorted(types)
    assert {name for name in build_schema(text).type_map if not name.startswith("__")} == {
        name for name in schema()._schema.type_map if not name.startswith("__")
    }


def test_no_vendor_word_is_outside_bindings_and_connections() -> None:
    wired = {
        "Binding",
        "BindingInput",
        "BindingState",
        "BindingStateInput",
        "Connection",
        "ConnectionEvent",
        "Rejection",
        # Of a value's lineage and of what was rejected: told to those who may see bindings alone.
        "RawPayload",
        "RejectedPayload",
        "ValueOrigin",
    }
    for name, kind in build_schema(schema_text()).type_map.items():
        if name not in wired and not name.startswith("__") and hasattr(kind, "fields"):
            assert not {"protocol", "address", "endpoint", "writeAddress"} & set(kind.fields), name


def test_a_saved_query_has_its_title_from_its_first_comment(tmp_path: Path) -> None:
    (tmp_path / "b.rq").write_text("# Warm rooms: which are above 24 °C\nSELECT * {}")
    (tmp_path / "a-b.graphql").write_text("{ revision }")
    (tmp_path / "notes.txt").write_text("no query")
    found = [(query.name, query.title, query.language) for query in saved_queries(tmp_path)]
    assert found == [("a-b", "a b", "graphql"), ("b", "Warm rooms: which are above 24 °C", "sparql")]


def test_every_graphql_query_that_comes_with_the_product_is_valid() -> None:
    ours = [query for query in saved_queries() if query.language == "graphql"]
    assert ours
    for query in ours:
        assert validate(schema()._schema, parse(query.text)) == [], query.name


async def test_saved_queries_are_asked_for_by_graphql(server: Server) -> None:
    data = await server.data("{ savedQueries { name title language text } }")
    assert [query["name"] for query in data["savedQueries"]] == [query.name for query in saved_queries()]
