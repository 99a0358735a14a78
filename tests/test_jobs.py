"""Jobs: what is seen of work that takes a while, and how it is stopped."""

from __future__ import annotations

import asyncio
import threading

import pytest

from twin.clock import ManualClock
from twin.errors import Conflict, InvalidInput, NotFound
from twin.jobs import Cancelled, Jobs, Running, Stop


def jobs(kept: int = 200) -> Jobs:
    return Jobs(ManualClock(), kept)


def test_a_job_is_seen_from_its_beginning_to_its_end() -> None:
    known = jobs()
    with known.run("import", "import of a.ttl", site="hq", actor="ann") as running:
        running.tell("read", 5, 10)
        seen = known.find(running.id)
        assert (seen.state, seen.step, seen.done, seen.total) == ("running", "read", 5, 10)
        assert known.listed(site="hq", kind="import", state="running") == [seen]
        running.came_to("Imported.", triples=10)
    ended = known.find(running.id)
    assert (ended.state, ended.message, ended.result) == ("done", "Imported.", {"triples": 10})
    assert ended.ended is not None
    assert known.listed(site="annex") == []


def test_a_job_that_fails_says_why_and_what_to_do() -> None:
    known = jobs()
    with (
        pytest.raises(InvalidInput),
        known.run("import", "x") as running,
    ):
        raise InvalidInput("It is not RDF.", remedy="Send RDF.", line=3)
    failed = known.find(running.id)
    assert (failed.state, failed.message) == ("failed", "It is not RDF. Send RDF.")
    assert failed.error == {"code": "invalid-input", "detail": "It is not RDF.", "remedy": "Send RDF.", "line": 3}


def test_what_nobody_expected_is_told_without_its_words() -> None:
    known = jobs()
    with pytest.raises(RuntimeError), known.run("import", "x") as running:
        raise RuntimeError("secret")
    assert "secret" not in str(known.find(running.id))


def test_a_job_is_cancelled_where_it_tells_how_far_it_is() -> None:
    known = jobs()
    running = known.begin("validation", "x")
    assert known.cancel(running.id).cancelling
    assert known.cancel(running.id).cancelling
    with pytest.raises(Cancelled), known.ending(running):
        running.tell("check", 1, 2)
    assert known.find(running.id).state == "cancelled"
    assert known.cancel(running.id).state == "cancelled"


def test_a_job_that_ended_or_never_was_is_not_cancelled() -> None:
    known = jobs()
    with known.run("validation", "x") as running:
        pass
    with pytest.raises(Conflict, match="it is done"):
        known.cancel(running.id)
    with pytest.raises(NotFound, match="no job 'import-0'"):
        known.cancel("import-0")


def test_a_job_that_writes_is_not_cancelled_and_can_be_afterwards() -> None:
    known = jobs()
    running = known.begin("import", "x")
    running.bind()
    with pytest.raises(Conflict, match="not stopped any more"):
        known.cancel(running.id)
    running.tell("write", 1, 2)
    running.free("validate")
    known.cancel(running.id)
    with pytest.raises(Cancelled):
        running.tell("validate", 1, 2)


def test_a_job_that_was_cancelled_does_not_begin_to_write() -> None:
    known = jobs()
    running = known.begin("import", "x")
    known.cancel(running.id)
    with pytest.raises(Cancelled), known.ending(running):
        running.bind()
    assert known.find(running.id).state == "cancelled"


def test_the_oldest_that_ended_are_forgotten_and_those_that_go_on_are_not() -> None:
    known = jobs(kept=3)
    first = known.begin("import", "goes on")
    for number in range(5):
        with known.run("import", str(number)):
            pass
    assert [job.what for job in known.listed()] == ["4", "3", "goes on"]
    assert known.find(first.id).state == "running"


async def test_a_started_job_goes_on_when_whoever_waits_for_it_leaves() -> None:
    known, go_on = jobs(), asyncio.Event()

    async def work(running: Running) -> int:
        await go_on.wait()
        return 7

    job = known.start("import", "x", work)
    waiting = asyncio.create_task(known.outcome(job.id))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert known.find(job.id).state == "running"
    again = asyncio.create_task(known.outcome(job.id))
    await asyncio.sleep(0)
    go_on.set()
    assert await again == 7
    assert known.find(job.id).state == "done"


async def test_closing_stops_what_goes_on_and_waits_for_it() -> None:
    known = jobs()

    async def work(running: Running) -> None:
        while True:
            running.tell("work")
            await asyncio.sleep(0.001)

    job = known.start("import", "x", work)
    await asyncio.sleep(0.01)
    await known.close()
    assert known.find(job.id).state == "cancelled"


def test_asking_to_stop_ends_what_is_waited_for_whether_it_began_before_or_after() -> None:
    stop, ended = Stop(), threading.Event()
    with stop.calling(ended.set):
        assert not ended.is_set()
        stop.stop()
        assert ended.is_set()
    later = threading.Event()
    with stop.calling(later.set):
        assert later.is_set()
    with pytest.raises(Cancelled):
        stop.check()
