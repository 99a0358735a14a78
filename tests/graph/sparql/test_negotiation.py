from __future__ import annotations

import pytest

from twin.graph.sparql.negotiation import NotAcceptable, choose

JSON = "application/sparql-results+json"
XML = "application/sparql-results+xml"
CSV = "text/csv"
TSV = "text/tab-separated-values"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("*", JSON),
        (JSON, JSON),
        ("application/json", "application/json"),
        (XML, XML),
        ("application/xml", "application/xml"),
        (CSV, CSV),
        (TSV, TSV),
        ("text/*", CSV),
        ("application/*", JSON),
        (f"{CSV};q=0.5, {TSV};q=0.9", TSV),
        (f"{CSV};q=0.5,{XML};q=0.5", XML),
        (f"*/*;q=0.1, {CSV}", CSV),
        (f"*/*, {JSON};q=0, application/json;q=0", XML),
        (f"text/*;q=0.9, {CSV};q=0.1", TSV),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        ("TEXT/CSV ; Q=1", CSV),
        (f"image/png, {TSV};q=0.001", TSV),
        (f"{CSV};q=nonsense, {TSV};q=0.2", TSV),
    ],
)
def test_rows_come_as_the_client_prefers(accept: str, media_type: str) -> None:
    assert choose("SELECT", accept).media_type == media_type
    assert choose("ASK", accept).media_type == media_type


@pytest.mark.parametrize(
    ("accept", "name", "media_type"),
    [
        ("*/*", "turtle", "text/turtle"),
        ("application/ld+json", "json-ld", "application/ld+json"),
        ("application/json", "json-ld", "application/json"),
        ("application/n-triples", "n-triples", "application/n-triples"),
        ("application/n-quads", "n-quads", "application/n-quads"),
        ("text/plain", "n-triples", "text/plain"),
        ("application/ld+json;q=0.4, application/n-quads;q=0.5", "n-quads", "application/n-quads"),
        ("text/turtle;q=0, text/*", "n-triples", "text/plain"),
    ],
)
def test_triples_come_as_the_client_prefers(accept: str, name: str, media_type: str) -> None:
    for form in ("CONSTRUCT", "DESCRIBE"):
        choice = choose(form, accept)  # a loop widens the word
        assert (choice.name, choice.media_type) == (name, media_type)


@pytest.mark.parametrize(("form", "accept"), [("SELECT", "text/turtle"), ("CONSTRUCT", "text/csv"), ("ASK", "*/*;q=0")])
def test_what_cannot_carry_the_answer_is_refused_with_what_can(form: str, accept: str) -> None:
    with pytest.raises(NotAcceptable, match="cannot be answered as") as refusal:
        choose(form, accept)
    assert ("text/csv" if form != "CONSTRUCT" else "text/turtle") in refusal.value.remedy
