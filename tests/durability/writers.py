"""Clients that change one server by every door at once, and remember what it acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

CHANGE = """mutation($site: ID!, $add: String, $remove: String, $reason: String!) {
    applyChange(site: $site, add: $add, remove: $remove, reason: $reason) { revision } }"""
SITE = "plant"
NODE = f"urn:twin:{SITE}:"
STRANGE = 3
"""Violations that every import brings: nodes of a class that nothing knows."""
TWINS = 20
_BRICK = "https://brickschema.org/schema/Brick#"
_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
_LARGE = "#" + "-" * 1_050_000 + "\n"
"""A comment that makes a file go the way of large ones."""


class Refused(Exception):
    """The server answered that it did not do it."""


@dataclass
class Told:
    """What was acknowledged: (kind, number) to revision; and what was refused, in the server's words."""

    done: dict[tuple[str, int], int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    read: int = 0


def unit(kind: str, number: int, name: str) -> str:
    return f'<{NODE}{kind}-{number}> a <{_BRICK}Air_Handling_Unit> ; <{_LABEL}> "{name}" .'


def building(number: int) -> str:
    """A site of its own, in Turtle, with three nodes that break a rule."""
    prefix = f"@prefix brick: <{_BRICK}> . @prefix : <urn:twin:i{number}:> .\n"
    rooms = (
        f':room-{each} a brick:Room ; <{_LABEL}> "Room {each}" ; brick:hasPoint :p-{each} .\n'
        f":p-{each} a brick:Occupancy_Sensor .\n"
        for each in range(TWINS)
    )
    strange = (f":strange-{each} a <urn:nothing#Known> .\n" for each in range(STRANGE))
    return _LARGE + prefix + "".join(rooms) + "".join(strange)


def by_graphql(client: httpx.Client, number: int) -> int:
    """Adds a unit; every third time renames it in a second change."""
    reason = f"graphql {number}"
    revision = _change(client, reason, add=unit("graphql", number, "new"))
    if number % 3 == 0:
        new, old = (f'<{NODE}graphql-{number}> <{_LABEL}> "{name}" .' for name in ("renamed", "new"))
        revision = _change(client, reason, add=new, remove=old)
    return revision


def _change(client: httpx.Client, reason: str, **how: str) -> int:
    variables = {"site": SITE, "reason": reason, **how}
    answer = client.post("/graphql", json={"query": CHANGE, "variables": variables}).json()
    if "errors" in answer:
        raise Refused(answer["errors"][0]["message"])
    return int(answer["data"]["applyChange"]["revision"])


def by_update(client: httpx.Client, number: int) -> int:
    """Inserts a unit with an update; every third time renames it with another, by its WHERE."""
    graph = f"GRAPH <urn:twin:site:{SITE}>"
    texts = [f"INSERT DATA {{ {graph} {{ {unit('update', number, 'new')} }} }}"]
    if number % 3 == 0:
        node = f"<{NODE}update-{number}> <{_LABEL}>"
        old, new = f"{{ {graph} {{ {node} ?old }} }}", f'{{ {graph} {{ {node} "renamed" }} }}'
        texts.append(f"DELETE {old} INSERT {new} WHERE {old}")
    for text in texts:
        answer = _updated(client, text)
        while answer.status_code == 409:  # others changed the graph too often meanwhile: it says to send it again
            answer = _updated(client, text)
        if answer.is_error:
            raise Refused(answer.text)
    return int(answer.headers.get("twin-revision") or 0)


def _updated(client: httpx.Client, text: str) -> httpx.Response:
    return client.post("/sparql/update", content=text, headers={"content-type": "application/sparql-update"})


def by_import(client: httpx.Client, number: int) -> int:
    """Imports a site in bulk."""
    answer = client.post(
        "/api/v1/imports",
        params={"site": f"i{number}", "name": f"i{number}"},
        content=building(number),
        headers={"content-type": "text/turtle"},
    )
    if answer.is_error:
        raise Refused(answer.text)
    return int(answer.json()["revision"])


DOORS: dict[str, Callable[[httpx.Client, int], int]] = {
    "graphql": by_graphql,
    "update": by_update,
    "import": by_import,
}


@contextmanager
def writing(url: str, told: Told, first: dict[str, int]) -> Iterator[None]:
    """All doors are written to, each by a thread of its own from a number on, and read from, until the server or the
    context ends; ``first`` are the next numbers afterwards."""
    enough = threading.Event()

    def write(kind: str) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not enough.is_set():
                number = first[kind]
                first[kind] += 1  # whether it arrived is not known when no answer comes
                try:
                    told.done[kind, number] = DOORS[kind](client, number)
                except (httpx.HTTPError, ValueError):
                    return
                except Refused as refusal:
                    told.refused.append(str(refusal))
                    enough.wait(0.05)

    def read() -> None:
        query = {"query": "{ twins(first: 5) { totalCount } violations(first: 1) { totalCount } }"}
        with httpx.Client(base_url=url, timeout=60) as client:
            while not enough.is_set():
                try:
                    assert "errors" not in client.post("/graphql", json=query).json()
                except httpx.HTTPError:
                    return
                told.read += 1

    threads = [threading.Thread(target=write, args=(kind,), name=kind) for kind in DOORS]
    threads.append(threading.Thread(target=read, name="read"))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        enough.set()
        for thread in threads:
            thread.join()
