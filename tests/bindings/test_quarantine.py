"""The quarantine counts everything and keeps a bounded part of it."""

from __future__ import annotations

from twin.bindings.quarantine import Quarantine, Rejection


def test_the_same_reason_at_the_same_address_is_one_line_with_a_count() -> None:
    quarantine = Quarantine()
    quarantine.add("a", "no JSON", b"{", 1)
    quarantine.add("b", "no JSON", b"[", 2)
    quarantine.add("a", "no JSON", b"}", 3)
    assert quarantine.rejections() == (Rejection(3, "a", "no JSON", "}", 2), Rejection(2, "b", "no JSON", "[", 1))
    assert quarantine.total == 3


def test_the_sample_is_short_and_printable() -> None:
    quarantine = Quarantine()
    quarantine.add("a", "no JSON", b"\xff\x00<b>" + b"x" * 10_000, 1)
    quarantine.add("b", "no value", None, 1)
    shown, nothing = quarantine.rejections()[1].sample, quarantine.rejections()[0].sample
    assert shown.startswith(r"\xff\x00<b>xxx")
    assert shown.isprintable()
    assert len(shown) < 250
    assert nothing == ""


def test_many_kinds_push_out_the_oldest_and_are_still_counted() -> None:
    quarantine = Quarantine(entries=10)
    for number in range(1000):
        quarantine.add(f"topic/{number}", "no JSON", b"", number)
    assert quarantine.total == 1000
    assert [rejection.address for rejection in quarantine.rejections()] == [f"topic/{n}" for n in range(999, 989, -1)]
