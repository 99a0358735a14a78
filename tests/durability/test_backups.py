"""A backup taken while everything is being written is whole; what is put back is what was acknowledged."""

from __future__ import annotations

import asyncio
import json
import os
import urllib.request
from pathlib import Path

import pytest

from tests.durability.writer import NODE, SITE, building, change, no_violations, rows
from tests.server_process import ServerProcess, twin
from twin.clock import SystemClock
from twin.core import open_core
from twin.directory import DataDirectory
from twin.errors import ConfigurationError, Conflict, NotFound
from twin.flows import imports
from twin.flows.backups import MANIFEST, Backups
from twin.flows.imports import Importer
from twin.observation import ObservationBatch
from twin.safekeeping import run_backup, run_restore, run_verify
from twin.scope import Scope
from twin.settings import Settings
from twin.telemetry.duckdb import DuckDBHistory


async def furnished(data: Path) -> None:
    """A closed data directory with a change, a large import and a row."""
    with DataDirectory(data) as directory:
        core = open_core(directory, Settings(), SystemClock())
        await core.door.commit(change(0), actor="test", reason="change 0", validate=False)
        await importer(core, directory).import_sources([building(0)], "s0", "test")
        core.journal.series(["urn:twin:hq:value"])
        history = await DuckDBHistory(directory.history).open()
        await history.append(rows(0))
        await history.close()
        core.close()


def importer(core, directory: DataDirectory) -> Importer:
    return Importer(core.door, directory.raw, no_violations, lambda site: core.twins.counts(Scope(), site))


@pytest.fixture(autouse=True)
def every_import_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "_IN_BULK", 10)


async def test_a_backup_under_load_holds_everything_acknowledged_before_it(tmp_path: Path) -> None:
    acknowledged: dict[str, list[int]] = {"change": [], "row": [], "import": []}
    stop = asyncio.Event()
    with DataDirectory(tmp_path / "data") as directory:
        core = open_core(directory, Settings(), SystemClock())
        history = await DuckDBHistory(directory.history).open()
        core.journal.series(["urn:twin:hq:value"])

        async def changes() -> None:
            number = 0
            while not stop.is_set():
                await core.door.commit(change(number), actor="t", reason=f"change {number}", validate=False)
                acknowledged["change"].append(number)
                number += 1
                if number % 10 == 0:
                    await importer(core, directory).import_sources([building(number)], f"s{number}", "t")
                    acknowledged["import"].append(number)

        async def ingest() -> None:
            number = 0
            while not stop.is_set():
                await history.append(rows(number))
                acknowledged["row"].append(number)
                number += 1

        writing = [asyncio.create_task(changes()), asyncio.create_task(ingest())]
        while not all(acknowledged.values()):
            await asyncio.sleep(0.01)
        before = {kind: list(numbers) for kind, numbers in acknowledged.items()}
        revision = core.door.revision
        backups = Backups(directory, core.door, core.store, history, SystemClock())
        making = asyncio.create_task(backups.make())
        await asyncio.sleep(0)
        with pytest.raises(Conflict, match="already"):
            await backups.make()
        made = await making
        during = {kind: len(numbers) - len(before[kind]) for kind, numbers in acknowledged.items()}
        stop.set()
        await asyncio.gather(*writing)
        await history.close()
        core.close()
    assert during["change"] > 0
    assert during["row"] > 0
    assert made.revision >= revision
    await asyncio.to_thread(run_restore, made.path, tmp_path / "back")
    with DataDirectory(tmp_path / "back") as directory:
        core = open_core(directory, Settings(), SystemClock())
        history = await DuckDBHistory(directory.history).open()
        assert core.door.revision == made.revision
        there = {quad.subject.value for quad in core.store.quads(None, None, None, SITE)}
        reasons = [core.journal.head(token).reason for token in range(1, made.revision + 1)]
        assert there == {f"{NODE}{reason.split()[1]}" for reason in reasons if reason.startswith("change")}
        assert {f"{NODE}{number}" for number in before["change"]} <= there
        assert {f"s{number}" for number in before["import"]} <= set(core.twins.sites(Scope()))
        kept = {int(value) for value in (await history.window(1, 0, 2**62)).value}
        assert set(before["row"]) <= kept
        await history.close()
        core.close()
    assert await asyncio.to_thread(run_verify, tmp_path / "back") == 0


async def test_rows_of_series_that_the_journal_does_not_know_are_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, backup, back = tmp_path / "data", tmp_path / "backup", tmp_path / "back"
    await furnished(data)
    history = await DuckDBHistory(data / "history.duckdb").open()
    await history.append(ObservationBatch.of([(999, 1, 1.0, 0, 1), (999, 2, 1.0, 0, 2)]))
    await history.close()
    assert await asyncio.to_thread(run_verify, data) == 1
    assert "2 rows of the history are of 1 series" in capsys.readouterr().err
    await asyncio.to_thread(run_backup, backup, data)
    await asyncio.to_thread(run_restore, backup, back)
    assert "2 rows of the history were set aside" in capsys.readouterr().out
    assert await asyncio.to_thread(run_verify, back) == 0
    history = await DuckDBHistory(back / "history.duckdb").open()
    assert list((await history.latest()).series) == [1]
    await history.close()


async def test_nothing_is_overwritten_and_what_was_changed_is_not_put_back(tmp_path: Path) -> None:
    data, backup, back = tmp_path / "data", tmp_path / "backup", tmp_path / "back"
    await furnished(data)
    run_backup(backup, data)
    with pytest.raises(Conflict, match="not empty"):
        run_backup(backup, data)
    with pytest.raises(Conflict, match="not empty"):
        run_restore(backup, data)
    with pytest.raises(NotFound, match="no backup"):
        run_restore(data, back)
    artifact = next((backup / "raw").iterdir())
    whole = artifact.read_bytes()
    artifact.write_bytes(whole[:-1] + b" ")
    with pytest.raises(ConfigurationError, match="was changed"):
        run_restore(backup, back)
    artifact.unlink()
    with pytest.raises(ConfigurationError, match="is missing"):
        run_restore(backup, back)
    assert not back.exists()
    assert [name for name in await asyncio.to_thread(os.listdir, tmp_path) if "partial" in name] == []
    assert json.loads((backup / MANIFEST).read_text())["revision"] == 2


def test_the_commands_back_up_a_running_server_and_put_it_back(tmp_path: Path) -> None:
    model = tmp_path / "hq.ttl"
    model.write_bytes(building(1).data)
    data, backup, back = tmp_path / "data", tmp_path / "backup", tmp_path / "back"
    with ServerProcess("serve", data, tmp_path / "log") as server:
        assert twin("import", model, "--site", "hq", "--data", data).returncode == 0
        made = twin("backup", backup, "--data", data)
        assert made.returncode == 0, made.stderr
        assert made.stdout.startswith(f"Revision 1 is in {backup}: ")
        with urllib.request.urlopen(f"{server.url}readyz", timeout=10) as answer:  # noqa: S310 - our own server
            assert answer.status == 200
    restored = twin("restore", backup, "--data", back)
    assert restored.returncode == 0, restored.stderr
    exported = [twin("export", "--data", each).stdout.splitlines() for each in (data, back)]
    assert sorted(exported[0]) == sorted(exported[1])
    assert len(exported[0]) == 240
