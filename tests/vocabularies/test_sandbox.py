"""Files from outside hurt nobody: each is read, or refused with what, where, why and what to do."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

import pytest

from twin.errors import InvalidInput
from twin.settings import ImportSettings
from twin.terms import RdfFormat
from twin.vocabularies.file_kinds import read_whole
from twin.vocabularies.rdf_files import FORMATS, Repairs
from twin.vocabularies.sandbox import is_harmless, isolated, plain_text, read_outside

LIMITS = ImportSettings(literal_bytes=100_000, expanded_bytes=50_000_000, memory_bytes=2**29, cpu_seconds=3.0)
RDF_XML = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="urn:u:">\n{}</rdf:RDF>'
BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE r [<!ENTITY a0 "lololololo">\n'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">\n' for n in range(1, 10))
    + "]>\n"
    + RDF_XML.format("<rdf:Description><u:p>&a9;</u:p></rdf:Description>")
)
EXTERNAL = '<?xml version="1.0"?>\n<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n' + RDF_XML.format(
    "<rdf:Description><u:p>&x;</u:p></rdf:Description>"
)
DEEP = 100_000
QUOTED = ("<urn:a> <urn:b> ", "<<( <urn:a> <urn:b> ", "<urn:c>", " )>>", " .")


def nested(before: str, opened: str, inside: str, closed: str, after: str, times: int = DEEP) -> str:
    return before + opened * times + inside + closed * times + after


def told(name: str, data: bytes | str, limits: ImportSettings = LIMITS) -> InvalidInput:
    """How a file is refused, strictly read."""
    text = data.encode() if isinstance(data, str) else data
    with pytest.raises(InvalidInput) as caught:
        list(read_outside(text, FORMATS[Path(name).suffix], name, limits))
    assert caught.value.message.startswith(name), caught.value.message
    assert caught.value.message.endswith(".")
    assert caught.value.remedy.endswith(".")
    return caught.value


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("bomb.rdf", BOMB, r"line 2, column \d+: .*MiB of memory"),
        ("files.rdf", EXTERNAL, r"line 2, column 14: it refers to another file"),
        (
            "deep.rdf",
            nested(RDF_XML.partition("{}")[0], "<rdf:Description><u:p>", "", "</u:p></rdf:Description>", "</rdf:RDF>"),
            "more than 3 s",
        ),
        ("deep.ttl", nested(*QUOTED), "line 1, column 17: it nests"),
        ("deep.nt", nested(*QUOTED), "line 1, column 17: it nests"),
        ("open.ttl", "<urn:a> <urn:b> " + "<<( " * DEEP, "line 1, column"),
        ("one.ttl", "@prefix : <urn:x:> .\n:a :b :c .\n<< :a :b :c >> :d :e .\n", "line 3, column .*quotes a triple"),
        ("list.jsonld", nested('{"urn:x":', '{"@list":[', "", "]}", "}", 20_000), "memory|nests deeper"),
        ("long.ttl", '<urn:a> <urn:b> 1 .\n<urn:a> <urn:c> "' + "x" * 100_001 + '" .', "line 2, column 18: .*100,001"),
        ("longest.ttl", '<urn:a> <urn:b> "' + "x" * 20_000_000, "16 MiB, or is never closed"),
        ("prefix.ttl", f"@prefix a: <urn:{'x' * DEEP}> .\n" + "a:b a:c a:d .\n" * DEEP, "line 1, column 13: the IRI"),
        ("many.ttl", f"@prefix a: <urn:{'x' * 8_000}> .\n" + "a:b a:c a:d .\n" * 10_000, "more than 48 MiB"),
        ("iri.ttl", "<urn:a> <urn:b> <urn:c> .\n<urn:a> <urn:b> <http://a b> .", "line 2, column 17: .*' '"),
        ("iri.rdf", RDF_XML.format('<rdf:Description rdf:about="urn:a b"/>\n'), r"line 2, column \d+: .*' '"),
        ("iri.jsonld", '{"@id": "urn:a",\n "urn:b": {"@id": "http://a b"}}', r"line 2, column \d+: .*' '"),
        ("tags.rdf", RDF_XML.format("<rdf:Description>\n<u:p></u:q></rdf:Description>"), r"line 3, column \d+: "),
        ("cut.jsonld", '{"urn:a":', r"line 1, column \d+: "),
        ("noise.ttl", bytes(range(256)) * 4000, "byte 1: it is binary data"),
        ("wide.ttl", "<urn:a> <urn:b> <urn:c> .".encode("utf-16"), "UTF-16"),
        ("wide.nt", "<urn:a> <urn:b> <urn:c> .".encode("utf-16-le"), "UTF-16"),
        ("wide.rdf", RDF_XML.format("").encode("utf-16"), "UTF-16"),
        ("latin.ttl", '<urn:a> <urn:b> 1 .\n<urn:a> <urn:b> "Büro" .'.encode("latin-1"), "line 2, column .*UTF-8"),
        ("packed.ttl", b"\x1f\x8b\x08\x00" + bytes(1000), "packed with gzip"),
        ("packed.rdf", b"PK\x03\x04" + bytes(1000), "zip archive"),
        ("paper.ttl", b"%PDF-1.7\n", "a PDF document"),
        ("empty.ttl", b"", "0 bytes"),
        ("marked.ttl", b"\xef\xbb\xbf", "3 bytes"),
        ("page.ttl", "<!DOCTYPE html>\n<html><body>Log in</body></html>", "looks like a web page"),
        ("xml.ttl", '<?xml version="1.0"?>\n' + RDF_XML.format(""), "looks like RDF/XML and is read as Turtle"),
        ("turtle.rdf", "@prefix : <urn:x:> .\n:a :b :c .", "looks like Turtle and is read as RDF/XML"),
        ("json.ttl", '{"@id": "urn:a", "urn:b": 1}', "looks like JSON and is read as Turtle"),
        ("turtle.jsonld", "<urn:a> <urn:b> <urn:c> .", "looks like Turtle and is read as JSON"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_in_words(name: str, data: bytes | str, says: str) -> None:
    error = told(name, data)
    assert re.search(says, error.message), error.message


@pytest.mark.parametrize(
    "document",
    [
        '{"@context": "URL", "name": "x"}',
        '{"@context": [{"a": "urn:a"}, "URL"], "a": 1}',
        '{"@context": {"@import": "URL"}, "a": 1}',
    ],
    ids=["alone", "among others", "imported"],
)  # fmt: skip
def test_a_context_elsewhere_is_told_and_never_fetched(document: str) -> None:
    with socket.socket() as canary:
        canary.bind(("127.0.0.1", 0))
        canary.listen()
        canary.settimeout(0.2)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/context.jsonld"
        error = told("remote.jsonld", document.replace("URL", url))
        with pytest.raises(TimeoutError):
            canary.accept()
    assert url in error.message
    assert "nothing is fetched" in error.message
    assert error.details["line"] == 1


@pytest.mark.skipif(not isolated(), reason="this system does not let a process give up the network")
def test_the_sandbox_has_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as canary:
        canary.bind(("127.0.0.1", 0))
        canary.listen()
        canary.settimeout(0.2)
        probe = tmp_path / "python"
        call = f"import socket; socket.create_connection(('127.0.0.1', {canary.getsockname()[1]}), 2)"
        probe.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{call}"\n')
        probe.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(probe))
        with pytest.raises(Exception, match="Network is unreachable"):
            list(read_outside(b'{"urn:a": 1}', RdfFormat.JSON_LD, "a.jsonld", LIMITS))
        with pytest.raises(TimeoutError):
            canary.accept()


def test_where_the_network_cannot_be_taken_away_files_are_opened_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    isolated.cache_clear()
    try:
        with monkeypatch.context() as without:
            without.setenv("PATH", "/nowhere")
            assert not isolated()
            assert list(read_outside(b'{"@id": "urn:a", "urn:b": 1}', RdfFormat.JSON_LD, "a.jsonld", LIMITS))
    finally:
        isolated.cache_clear()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.ttl", b'@prefix : <urn:x:> . :a :b [ :c "a < b > c << d" ] .'),
        ("a.rdf", RDF_XML.format('<rdf:Description rdf:about="urn:a"><u:p>1</u:p></rdf:Description>').encode()),
        ("a.rdf", b'<!DOCTYPE r [<!ENTITY u "urn:">]>' + RDF_XML.format('<u:C rdf:about="&u;a"/>').encode()),
        ("a.jsonld", b'\xef\xbb\xbf{"@id": "urn:a", "urn:b": [1, {"@id": "urn:c"}], "unexplained": 2}'),
        ("a.trig", b"<urn:g> { <urn:a> <urn:b> <urn:c> }"),
    ],
)  # fmt: skip
def test_what_is_well_formed_is_read_wherever_it_has_to_be_opened(name: str, data: bytes) -> None:
    assert list(read_outside(data, FORMATS[Path(name).suffix], name, LIMITS))


def test_only_text_that_can_hurt_is_opened_elsewhere() -> None:
    assert is_harmless(b"<urn:a> <urn:b> <urn:c> .", RdfFormat.TURTLE)
    assert is_harmless(b'<urn:a> <urn:b> "' + b"x" * 10_000 + b'" .', RdfFormat.TURTLE)
    assert not is_harmless(b"<<( <urn:a> <urn:b> 1 )>>", RdfFormat.N_TRIPLES)
    assert not is_harmless(b"# " + b"x" * 2**20 + b"\n@prefix a: <urn:" + b"x" * 300 + b">", RdfFormat.TURTLE)
    assert not is_harmless(b"{}", RdfFormat.JSON_LD)
    assert not is_harmless(b"<rdf/>", RdfFormat.RDF_XML)


@pytest.mark.parametrize("name", ["old.ttl", "old.rdf", "old.jsonld"])
def test_lenient_reading_lists_every_repair_however_many_there_are(name: str) -> None:
    number = 1_500
    data = {
        "old.ttl": "".join(f"<urn:a b{n}> <urn:p> <urn:ok> .\n" for n in range(number)),
        "old.rdf": RDF_XML.format(
            "".join(f'<rdf:Description rdf:about="urn:a b{n}" u:p="x"/>\n' for n in range(number))
        ),
        "old.jsonld": f'[{",".join(f"""{{"@id": "urn:a b{n}", "urn:p": 1}}""" for n in range(number))}]',
    }[name].encode()
    told(name, data)
    repairs = Repairs()
    assert len(list(read_outside(data, FORMATS[Path(name).suffix], name, LIMITS, repairs))) == number
    assert repairs.count == number
    assert repairs.listed == [f"<urn:a b{n}> is now <urn:a%20b{n}>" for n in range(number)]


def test_a_repair_that_is_needed_often_is_listed_once_with_how_often() -> None:
    repairs = Repairs()
    list(read_outside(b"<urn:a> <urn:p> <urn:c d> . " * 3, RdfFormat.TURTLE, "old.ttl", LIMITS, repairs))
    assert (repairs.listed, repairs.count) == (["<urn:c d> is now <urn:c%20d> (3 times)"], 3)


def test_what_is_opened_elsewhere_comes_back_as_plain_triples() -> None:
    data = RDF_XML.format('<rdf:Description rdf:about="urn:a"><u:p>1</u:p></rdf:Description>').encode()
    assert plain_text(data, RdfFormat.RDF_XML, "a.rdf", LIMITS) == (b'<urn:a> <urn:u:p> "1" .\n', RdfFormat.N_TRIPLES)
    turtle = b"<urn:a> <urn:b> <urn:c> ."
    assert plain_text(turtle, RdfFormat.TURTLE, "a.ttl", LIMITS) == (turtle, RdfFormat.TURTLE)


def test_what_is_no_file_is_told_as_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ttl")
    for name, says in (
        ("", "it is a directory"),
        ("none.ttl", "there is no such file"),
        ("pipe.ttl", "it is a pipe or a device"),
        ("a\0.ttl", "cannot be read"),
    ):
        with pytest.raises(InvalidInput, match=says) as caught:
            read_whole(tmp_path / name)
        assert caught.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_this_user_may_not_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "secret.ttl"
    file.touch(mode=0)
    with pytest.raises(InvalidInput, match="this user may not"):
        read_whole(file)
