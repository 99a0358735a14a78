"""The spool: what is appended is read in order, also after a kill, within its bound and on a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server_process import ROOT, environment
from twin.errors import Unavailable
from twin.observation import Block, ObservationBatch
from twin.telemetry import spool as module
from twin.telemetry.batch_records import record_of, records_in
from twin.telemetry.spool import Depth, Spool


def batch(number: int, rows: int = 1) -> ObservationBatch:
    return ObservationBatch.of([(1, 10 + number, float(number), 0, 100 + number)] * rows)


def opened(directory: Path, limit: int = 1_000_000, reserve: int = 0, segment: int = 400) -> Spool:
    made = Spool(directory, limit, reserve, segment)
    made.open()
    return made


def emptied(subject: Spool, most: int = 3) -> list[float]:
    values: list[float] = []
    while (found := subject.first(most)) is not None:
        position, batches = found
        values += [float(each.value[0]) for each in batches]
        subject.taken(position, batches)
    assert subject.depth == Depth()
    return values


def test_a_batch_with_everything_in_it_comes_out_as_it_went_in() -> None:
    whole = ObservationBatch(
        np.array([1, 2, 3], np.int32), np.array([4, 5, 6]), np.array([7.5, np.nan, np.nan]),
        np.array([0, 1, 0x200], np.uint16), np.array([8, 9, 10]), {1: "heizen \U0001f525"},
        {2: Block(np.array([1.0, np.nan]), 3, -4)}, np.array([5, 0, 6], np.int32),
    )  # fmt: skip
    ((_, found),) = records_in(memoryview(record_of(whole)))
    for name in ("series", "time", "value", "quality", "received", "origin"):
        assert np.array_equal(getattr(found, name), getattr(whole, name), equal_nan=name == "value")
        assert getattr(found, name).dtype == getattr(whole, name).dtype
    assert (found.text, found.blocks) == (whole.text, whole.blocks)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(["append", "take", "restart"]), st.integers(1, 5)), max_size=25))
def test_whatever_happens_everything_comes_out_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    subject, number, out = opened(directory, reserve=800), 0, []
    for step, count in steps:
        if step == "append":
            subject.append([batch(number + each) for each in range(count)])
            number += count
        elif step == "restart":
            before = subject.depth
            subject = opened(directory, reserve=800)
            assert subject.depth == before
        elif (found := subject.first(count)) is not None:
            out += [float(each.value[0]) for each in found[1]]
            subject.taken(*found)
    assert out + emptied(subject) == [float(each) for each in range(number)]


def test_what_waits_is_counted(tmp_path: Path) -> None:
    subject = opened(tmp_path)
    subject.append([batch(1, 3), batch(2)])
    size = len(record_of(batch(1, 3))) + len(record_of(batch(2)))
    assert subject.depth == Depth(2, 4, size, 101)
    found = subject.first(1)
    assert found is not None
    subject.taken(*found)
    assert subject.depth == Depth(1, 1, len(record_of(batch(2))), 102)


def test_a_full_spool_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    size = len(record_of(batch(0)))
    subject = opened(tmp_path, limit=3 * size)
    subject.append([batch(0), batch(1)])
    with pytest.raises(Unavailable, match="full"):
        subject.append([batch(2), batch(3)])
    subject.append([batch(2)])
    assert emptied(subject) == [0, 1, 2]


@pytest.mark.parametrize("cut", range(8, 80, 9))
def test_a_torn_tail_is_passed_over_and_written_anew(tmp_path: Path, cut: int) -> None:
    # the last seven bytes are zeros of a small number anyway
    subject = opened(tmp_path, segment=4000)
    subject.append([batch(0), batch(1)])
    (path,) = tmp_path.glob("segment-*")
    data = bytearray(path.read_bytes())
    end = 2 * len(record_of(batch(0)))
    data[end - cut : end] = b"\0" * cut
    path.write_bytes(data)
    again = opened(tmp_path, segment=4000)
    assert again.depth.batches == 1
    again.append([batch(2)])
    assert emptied(opened(tmp_path, segment=4000)) == [0, 2]


def test_a_record_larger_than_a_segment_has_one_of_its_own(tmp_path: Path) -> None:
    subject = opened(tmp_path, reserve=800)
    subject.append([batch(0), batch(1, 100), batch(2)])
    assert emptied(subject) == [0, 1, 2]


def test_a_disk_that_refuses_loses_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = opened(tmp_path)
    subject.append([batch(0)])
    real = os.fsync

    def failing(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", failing)
    with pytest.raises(Unavailable, match="No space left"):
        subject.append([batch(number) for number in range(1, 9)])
    monkeypatch.setattr(module.os, "fsync", real)
    assert subject.depth.batches == 1
    subject.append([batch(1)])
    assert emptied(opened(tmp_path)) == [0, 1]


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from tests.telemetry.test_spool import batch, emptied
from twin.errors import Unavailable
from twin.telemetry.spool import Spool
disk = Path(sys.argv[1])
spool = Spool(disk / "spool", 10_000_000, 200_000, 100_000)
spool.open()
with (disk / "filler").open("wb", buffering=0) as file:
    try:
        while True: file.write(b"x" * 4096)
    except OSError: pass
kept = 0
try:
    while True:
        spool.append([batch(kept)])
        kept += 1
except Unavailable as error:
    assert "No space" in str(error), error
again = Spool(disk / "spool", 10_000_000, 200_000, 100_000)
again.open()
assert emptied(again, 1000) == list(range(kept))
print(kept)
"""


def test_on_a_full_disk_the_reserve_is_there(tmp_path: Path) -> None:
    mount = f"mount -t tmpfs -o size=4M tmpfs {tmp_path}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets nobody mount a file system of their own (unshare -rm)")
    script = tmp_path.with_suffix(".py")
    script.write_text(ON_A_FULL_DISK)
    command = f"{mount} && exec {sys.executable} {script} {tmp_path}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        cwd=ROOT, env={**environment(), "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * len(record_of(batch(0))) > 150_000
