"""What a file is by its first bytes, for files that are not what they are taken for."""

from __future__ import annotations

from pathlib import Path

from twin.errors import InvalidInput
from twin.terms import RdfFormat

_PACKED = (
    (b"\x1f\x8b", "packed with gzip"),
    (b"PK\x03\x04", "a zip archive, as spreadsheets and documents are too"),
    (b"BZh", "packed with bzip2"),
    (b"\xfd7zXZ\x00", "packed with xz"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
)
_NO_TEXT = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet table"),
)
_WIDE = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff", b"\xff\xfe", b"\xfe\xff")
"""The byte order marks of UTF-32 and UTF-16."""
_HEAD = 4096
_NAMES = {
    RdfFormat.TURTLE: "Turtle",
    RdfFormat.TRIG: "TriG",
    RdfFormat.N_TRIPLES: "N-Triples",
    RdfFormat.N_QUADS: "N-Quads",
    RdfFormat.JSON_LD: "JSON",
    RdfFormat.RDF_XML: "RDF/XML",
}


def read_whole(path: Path) -> bytes:
    """The bytes of a file on disk; raises `InvalidInput` for what is none: a directory, a device, one not readable."""
    try:
        if path.is_dir():
            raise InvalidInput(
                f"{path} cannot be read: it is a directory.", remedy=f"Name the files in it, for instance {path}/*.ttl."
            )
        if path.exists() and not path.is_file():  # a pipe would be waited for, and a device may never end
            raise InvalidInput(
                f"{path} cannot be read: it is a pipe or a device.",
                remedy="Write it to a file, and name an existing file.",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InvalidInput(f"{path} cannot be read: there is no such file.", remedy="Name an existing file.") from error
    except PermissionError as error:
        raise InvalidInput(
            f"{path} cannot be read: this user may not.", remedy="Give this user the right to read it (chmod +r)."
        ) from error
    except (OSError, ValueError) as error:  # a name with a NUL in it is a ValueError
        why = getattr(error, "strerror", None) or error
        raise InvalidInput(f"{path} cannot be read: {why}.", remedy="Name an existing file.") from error


def check_is_text(data: bytes, source: str) -> None:
    """Returns for what may be text in UTF-8; raises `InvalidInput` that says what the bytes are instead."""
    if not data.strip(b"\xef\xbb\xbf"):
        raise InvalidInput(
            f"{source} has {len(data)} bytes: there is not one triple in it.",
            remedy="See whether its export or download was finished.",
        )
    for mark, what in _PACKED:
        if data.startswith(mark):
            raise InvalidInput(
                f"{source}, byte 1: it is {what}; packed files are not opened.",
                remedy="Unpack it and import what it holds.",
            )
    for mark, what in _NO_TEXT:
        if data.startswith(mark):
            raise InvalidInput(
                f"{source}, byte 1: it is {what}, not RDF text.", remedy="Export the model as Turtle, and import that."
            )
    head = data[:_HEAD]
    zeros = head.count(b"\x00")
    if data.startswith(_WIDE) or zeros > len(head) // 4:
        raise InvalidInput(
            f"{source}, byte 1: it is text in UTF-16 or UTF-32; only UTF-8 is read.",
            remedy=f"Convert it: iconv -f UTF-16 -t UTF-8 {source} > utf-8-{source}.",
        )
    if zeros:
        raise InvalidInput(
            f"{source}, byte {head.index(0) + 1}: it is binary data, not RDF text.",
            remedy="Export the model as Turtle, and import that.",
        )


def looks_like(data: bytes, syntax: RdfFormat) -> str:
    """Which other syntax a text begins like, e.g. ``RDF/XML``; empty when it begins like its own."""
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    while head.startswith(b"#"):
        head = head.partition(b"\n")[2].lstrip()
    lower = head[:64].lower()
    if lower.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if lower.startswith((b"<?xml", b"<rdf:rdf", b"<!doctype")):
        found = {"RDF/XML"}
    elif lower.startswith((b"{", b'["', b"[{", b"[ {", b"[\n")):
        found = {"JSON"} if b'"' in head[:256] else set()
    elif lower.startswith((b"@prefix", b"@base", b"prefix ", b"base ", b"<urn:", b"<http", b"_:")):
        found = {"Turtle", "TriG", "N-Triples", "N-Quads"}
    else:
        found = set()
    return "" if not found or _NAMES.get(syntax, "") in found else sorted(found)[-1]


def name_of(syntax: RdfFormat) -> str:
    """What people call a syntax."""
    return _NAMES.get(syntax, str(syntax))
