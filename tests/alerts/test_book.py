"""The life of alerts: raised once, not flooding, folded into their cause, handled by people, kept on disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from twin.alerts.book import AlertBook
from twin.alerts.records import Condition, Consequence
from twin.alerts.store import AlertStore, Wanted
from twin.clock import NANOSECONDS, ManualClock
from twin.errors import Conflict, InvalidInput, NotFound

OPEN = Wanted(("raised", "acknowledged"))


def condition(key: str = "quality:p", message: str = "p is stuck", **more: object) -> dict[str, Condition]:
    given = {"kind": "quality", "severity": "warning", "about": "urn:p", "since": 1, "site": "hq", "delay": 5.0, **more}
    return {key: Condition(key=key, message=message, **given)}


class Desk:
    def __init__(self, path: Path | str = ":memory:") -> None:
        self.clock = ManualClock()
        self.store = AlertStore(path)
        self.book = AlertBook(self.store, self.clock, settle=10.0)

    def after(self, seconds: float, found: dict[str, Condition], folded: dict[str, str] | None = None) -> list[str]:
        """What happened when this was found so many seconds later."""
        self.clock.advance(seconds)
        return [event.transition.action for event in self.book.observe(found, folded)]

    def raised(self, **more: object) -> int:
        """The number of an alert that stands."""
        self.after(0, condition(**more))
        assert self.after(5, condition(**more)) == ["raised"]
        return self.store.page(OPEN, self.clock.now()).items[0].id

    def actions(self, number: int) -> list[tuple[str, str]]:
        return [(step.actor, step.action) for step in self.store.transitions(number)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_condition_is_raised_once_when_it_has_stood_for_its_delay_and_cleared_when_it_is_gone_for_good(
    desk: Desk,
) -> None:
    steps = [desk.after(0, condition()), desk.after(4, condition()), desk.after(1, condition())]
    assert steps == [[], [], ["raised"]]
    assert [desk.after(1, condition()) for _ in range(5)] == [[]] * 5
    assert desk.after(1, {}) == []
    assert desk.after(10, {}) == ["cleared"]
    assert desk.after(100, {}) == []


def test_what_does_not_last_is_not_raised(desk: Desk) -> None:
    for _ in range(20):
        assert desk.after(4, condition()) == []
        assert desk.after(1, {}) == []


def test_what_flaps_is_one_alert_that_came_back(desk: Desk) -> None:
    number = desk.raised()
    for _ in range(10):
        assert desk.after(3, {}) == []
        assert desk.after(3, condition()) == ["returned"]
    found = desk.store.find(number)
    assert found is not None
    assert (found.times, found.cleared) == (11, None)
    assert desk.store.page(Wanted(), desk.clock.now()).total == 1


def test_an_alert_is_folded_into_its_cause_and_its_consequences_are_listed(desk: Desk) -> None:
    number = desk.raised()
    consequences = tuple(Consequence(f"urn:p{index:04}", "is unavailable", 7) for index in range(3000))
    cause = condition("connection:c", "c is lost", kind="connection", severity="critical", consequences=consequences)
    folded = {"quality:p": "connection:c"}
    assert desk.after(1, cause, folded) == []
    assert desk.after(20, cause, folded) == ["raised"]
    assert desk.after(1, cause, folded) == ["folded"]
    page = desk.store.page(OPEN, desk.clock.now())
    assert [(each.key, each.consequences) for each in page.items] == [("connection:c", 3000)]
    part = desk.store.find(number)
    assert part is not None
    assert part.cause == page.items[0].id
    listed = desk.store.consequences(page.items[0].id, "urn:p0009", 2)
    assert [each.about for each in listed] == ["urn:p0010", "urn:p0011"]
    assert [each.id for each in desk.store.about(["urn:p0042"], 0)["urn:p0042"]] == [page.items[0].id]


def test_while_its_cause_waits_to_be_raised_an_alert_stays(desk: Desk) -> None:
    desk.raised()
    waiting = condition("connection:c", "c is lost", delay=60.0)
    assert [desk.after(11, waiting, {"quality:p": "connection:c"}) for _ in range(4)] == [[]] * 4


def test_people_acknowledge_assign_and_shelve_and_every_step_is_kept_with_its_actor(desk: Desk) -> None:
    number = desk.raised()
    now = desk.clock.now()
    desk.book.acknowledge(number, "ann", "on my way")
    desk.book.assign(number, "ann", "bob")
    shelved = desk.book.shelve(number, "bob", now + 3600 * NANOSECONDS).alert
    assert shelved.state(now) == "shelved"
    assert desk.store.page(OPEN, now).total == 0
    assert desk.store.page(Wanted(("shelved",)), now).total == 1
    with pytest.raises(Conflict):
        desk.book.acknowledge(number, "eve")
    assert desk.after(3600, condition()) == ["unshelved"]
    assert desk.store.page(OPEN, desk.clock.now()).items[0].state(desk.clock.now()) == "acknowledged"
    assert desk.actions(number) == [
        ("server", "raised"), ("ann", "acknowledged"), ("ann", "assigned"), ("bob", "shelved"), ("server", "unshelved"),
    ]  # fmt: skip


def test_a_shelved_condition_that_comes_again_stays_out_of_sight(desk: Desk) -> None:
    number = desk.raised()
    desk.book.shelve(number, "ann", desk.clock.now() + 3600 * NANOSECONDS)
    desk.after(1, {})
    assert desk.after(11, {}) == ["cleared"]
    desk.after(1, condition())
    assert desk.after(6, condition()) == ["raised"]
    assert desk.store.page(OPEN, desk.clock.now()).total == 0
    assert desk.after(3600, condition()) == ["unshelved"]


def test_a_person_clears_only_what_is_over(desk: Desk) -> None:
    number = desk.raised()
    with pytest.raises(Conflict, match="still stands"):
        desk.book.clear(number, "ann")
    desk.after(1, {})
    assert desk.book.clear(number, "ann").alert.cleared == desk.clock.now()
    with pytest.raises(Conflict, match="is cleared"):
        desk.book.shelve(number, "ann", desk.clock.now() + 1)
    assert desk.book.acknowledge(number, "ann").transition.action == "acknowledged"


def test_what_cannot_be_is_refused_in_words(desk: Desk) -> None:
    number = desk.raised()
    with pytest.raises(NotFound):
        desk.book.acknowledge(99, "ann")
    with pytest.raises(InvalidInput, match="90 days"):
        desk.book.shelve(number, "ann", desk.clock.now() + 10**18)


def test_alerts_outlive_the_server_and_are_not_raised_again(tmp_path: Path) -> None:
    before = Desk(tmp_path / "alerts.sqlite")
    number = before.raised()
    before.book.acknowledge(number, "ann")
    before.store.close()
    after = Desk(tmp_path / "alerts.sqlite")
    assert [after.after(5, condition()) for _ in range(4)] == [[]] * 4
    assert after.store.page(OPEN, after.clock.now()).items[0].acknowledged_by == "ann"
    after.store.forget(after.clock.now() + 1)
    assert after.store.page(Wanted(), 0).total == 1
    after.after(1, {})
    assert after.after(11, {}) == ["cleared"]
    after.store.forget(after.clock.now() + 1)
    assert after.store.page(Wanted(), 0).total == 0
    assert after.store.transitions(number) == []
    after.store.close()


def test_what_could_not_be_written_did_not_happen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.after(0, condition())

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "note", full)
        with pytest.raises(sqlite3.OperationalError):
            desk.after(5, condition())
    desk.book.reload()
    assert desk.store.page(Wanted(), 0).total == 0
    desk.after(0, condition())
    assert desk.after(5, condition()) == ["raised"]


def test_alerts_are_found_by_what_they_are(desk: Desk) -> None:
    desk.raised()
    more = {
        **condition("violation:r", "A rule is broken", kind="violation", severity="notice", site="lab", about="urn:r"),
        **condition("storage:h", "The history takes no values", kind="storage", severity="critical", site=""),
        **condition(),
    }
    desk.after(0, more)
    desk.after(5, more)
    now = desk.clock.now()

    def keys(**wanted: object) -> set[str]:
        return {each.key for each in desk.store.page(Wanted(**wanted), now).items}

    assert keys(kinds=["violation"]) == {"violation:r"}
    assert keys(severities=["critical", "warning"]) == {"storage:h", "quality:p"}
    assert keys(sites=["hq"]) == {"storage:h", "quality:p"}
    assert keys(about=["urn:r"]) == {"violation:r"}
    assert keys(text="rule") == {"violation:r"}
    assert keys(text="100%") == set()
    first = desk.store.page(Wanted(), now, limit=2)
    assert (len(first.items), first.total, first.has_next) == (2, 3, True)
    rest = desk.store.page(Wanted(), now, first.items[-1].id, 2)
    assert (len(rest.items), rest.has_next) == (1, False)
    assert desk.store.counts(Wanted(), now) == {
        ("violation", "notice"): 1, ("storage", "critical"): 1, ("quality", "warning"): 1,
    }  # fmt: skip
