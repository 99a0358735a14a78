"""A server that is written to by every door keeps only what it is told to keep of the past, and is backed up meanwhile:
what is put back is what it was at one revision."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest

from tests.durability.writers import DOORS, NODE, SITE, Told, unit, writing
from tests.graphql_client import GraphQL
from tests.server_process import ServerProcess, eventually, twin

EVERY, KEEP = 15, 30
SETTINGS = f"[revisions]\nsnapshot_every = {EVERY}\nkeep = {KEEP}\nsnapshots = 3\n"
_TRIPLES = {"accept": "application/n-quads"}


def exported(url: str, at: str) -> list[str]:
    answer = httpx.get(f"{url}api/v1/export", params={"asOf": at}, headers=_TRIPLES, timeout=60)
    assert answer.status_code == 200, answer.text
    return sorted(answer.text.splitlines())


@pytest.mark.timeout(240)
def test_a_busy_server_drops_the_oldest_revisions_and_is_backed_up_whole(tmp_path: Path) -> None:
    data, backup, back, toml = (tmp_path / name for name in ("data", "backup", "back", "twin.toml"))
    toml.write_text(SETTINGS)
    first = tmp_path / "first.ttl"
    first.write_text(unit("graphql", -1, "new"))
    assert twin("import", first, "--site", SITE, "--data", data).returncode == 0
    told, following = Told(), dict.fromkeys(DOORS, 0)
    serving = ServerProcess("serve", data, tmp_path / "log", "--config", str(toml))
    with serving as server, GraphQL(server.url) as graphql:
        query = "query($id: ID!, $at: String) { twin(id: $id, asOf: $at) { name } }"

        def oldest() -> str | None:
            answered = graphql.answer(query, id=NODE, at="1")
            return answered["errors"][0]["extensions"].get("oldest") if "errors" in answered else None

        with writing(server.url, told, following):
            eventually(oldest, "the first revisions to be dropped")
            before = dict(told.done)
            made = twin("backup", backup, "--data", data)
            assert made.returncode == 0, made.stderr
            eventually(lambda: len(told.done) > len(before), "changes during and after the backup")
        assert told.refused == []
        kept = oldest()
        assert kept is not None
        revision = made.stdout.split()[1].rstrip(":")
        assert int(revision) >= max(before.values())
        # The oldest that is kept is told whole, as every later one is.
        assert exported(server.url, kept)
        present = exported(server.url, revision.zfill(12))
        assert len(list((data / "snapshots").iterdir())) <= 3
    restored = twin("restore", backup, "--data", back)
    assert restored.returncode == 0, restored.stderr
    assert sorted(twin("export", "--data", back).stdout.splitlines()) == present
    for directory in (data, back):
        verified = twin("verify", "--data", directory)
        assert verified.returncode == 0, verified.stderr
    shutil.rmtree(back / "graph")  # and it can be made anew although its first changes are gone
    repaired = twin("repair", "--data", back)
    assert repaired.returncode == 0, repaired.stderr
    assert sorted(twin("export", "--data", back).stdout.splitlines()) == present
