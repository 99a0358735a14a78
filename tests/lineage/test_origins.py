"""A number of the register stands for one way into the history, and for no other ever."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from twin.clock import ManualClock
from twin.lineage.origins import UNKNOWN, Origin, Origins

BINDING = Origin("binding", "urn:p#binding", "urn:broker", "acme/ahu", "kind: number", revision=3)


def register(path: Path) -> Origins:
    return Origins(path / "origins.sqlite", ManualClock())


def test_a_binding_keeps_its_number_until_it_decodes_another_way(tmp_path: Path) -> None:
    origins = register(tmp_path)
    first = origins.number(BINDING)
    assert first != UNKNOWN
    assert origins.number(replace(BINDING, revision=9)) == first  # the graph changed elsewhere
    scaled = origins.number(replace(BINDING, codec="kind: number; scale: 0.1", revision=9))
    back = origins.number(replace(BINDING, revision=12))
    assert len({first, scaled, back}) == 3
    assert [each.revision for each in origins.of("binding", BINDING.subject)] == [3, 9, 12]
    origins.close()


def test_numbers_outlive_a_restart_and_are_never_given_again(tmp_path: Path) -> None:
    first = register(tmp_path)
    numbers = first.numbers([BINDING, replace(BINDING, subject="urn:q#binding"), BINDING])
    assert numbers == [numbers[0], numbers[1], numbers[0]]
    first.close()
    again = register(tmp_path)
    assert again.number(BINDING) == numbers[0]
    assert again.number(Origin("model", "sha256:1")) not in numbers
    known = again.find(numbers[1])
    assert known is not None
    assert (known.subject, known.since) == ("urn:q#binding", ManualClock().now())
    assert again.find(UNKNOWN) is None
    again.close()
