"""When connections were up and when they were not, across servers that end and servers that are killed."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from twin.clock import NANOSECONDS, ManualClock
from twin.telemetry.outages import Outages

LINK = "urn:link"
_states = st.lists(st.sampled_from(["CONNECTING", "CONNECTED", "RETRYING", "STOPPED"]), max_size=12)


@given(states=_states)
def test_the_last_loss_is_the_first_state_after_the_connection_stood(states: list[str]) -> None:
    outages = Outages(None, ManualClock())
    lost: int | None = None
    standing = True
    newest = None
    for time, state in enumerate(states, 1):
        outages.note(LINK, state, time)
        if state == "CONNECTED":
            standing = True
        elif state in ("RETRYING", "STOPPED"):
            lost = time if standing else lost
            standing = False
        newest = state
        told = outages.lost_at([LINK, "urn:other"], time)
        assert told == ({} if lost is None else {LINK: lost})
        assert outages.lost_at([LINK], 0) == {}
        at = outages.state_at(LINK, time)
        assert at is not None
        assert at.state == newest
    outages.close()


def test_a_server_that_was_killed_is_closed_at_the_last_moment_that_is_known_of_it(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "connections.sqlite"
    first = Outages(path, clock)
    first.note(LINK, "CONNECTED", clock.now())
    clock.advance(100)
    first.beat()
    lived = clock.now()
    first._database.close()  # as when it is killed: nothing more is written
    clock.advance(1000)
    second = Outages(path, clock)
    assert second.lost_at([LINK], clock.now()) == {LINK: lived}
    assert second.lost_at([LINK], lived - 1) == {}
    closed = second.state_at(LINK, clock.now())
    assert closed is not None
    assert (closed.state, closed.error) == ("STOPPED", "The server ended without closing the connection.")
    second.note(LINK, "CONNECTED", clock.now() + NANOSECONDS)
    second.note(LINK, "STOPPED", clock.now() + 2 * NANOSECONDS)
    second.close()
    third = Outages(path, clock)
    assert third.lost_at([LINK], clock.now() + 3 * NANOSECONDS) == {LINK: clock.now() + 2 * NANOSECONDS}
    third.close()
