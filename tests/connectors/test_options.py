from __future__ import annotations

from dataclasses import dataclass

import pytest

from connectors.options import option, read
from twin.connector import ConnectorError


@dataclass(frozen=True, slots=True)
class Options:
    name: str = option("nobody")
    password: str = option("", secret=True)
    level: int = option(1, minimum=0, maximum=2)
    seconds: float = option(2.5, minimum=0.1)
    mode: str = option("slow", choices=("slow", "fast"))


def test_what_is_not_given_keeps_its_default() -> None:
    assert read(Options, {}) == Options("nobody", "", 1, 2.5, "slow")


def test_texts_become_the_type_of_the_default() -> None:
    assert read(Options, {"name": "x", "level": "2", "seconds": "0.5", "mode": "fast"}) == Options(
        "x", "", 2, 0.5, "fast"
    )


def test_a_reference_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANT_PASSWORD", "s3cret")
    monkeypatch.setenv("PLANT_USER", "ann")
    assert read(Options, {"password": "env:PLANT_PASSWORD", "name": "env:PLANT_USER"}) == Options("ann", "s3cret")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pasword": "env:X"}, "no option pasword; did you mean password?"),
        ({"zzz": "1"}, "the options are name, password, level, seconds, mode"),
        ({"level": "two"}, "level is 'two'; it must be a number"),
        ({"level": "1.5"}, "level is '1.5'; it must be a number"),
        ({"level": "3"}, "between 0 and 2"),
        ({"seconds": "0"}, "at least 0.1"),
        ({"seconds": "nan"}, "at least 0.1"),
        ({"mode": "quick"}, "one of slow, fast"),
        ({"password": "s3cret"}, "must not stand in the graph"),
        ({"password": "env:NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE, which is not set"),
    ],
)
def test_what_cannot_be_is_refused_in_words(options: dict[str, str], words: str) -> None:
    with pytest.raises(ConnectorError, match=words):
        read(Options, options)


def test_a_refusal_never_shows_a_secret() -> None:
    with pytest.raises(ConnectorError) as refused:
        read(Options, {"password": "s3cret"})
    assert "s3cret" not in str(refused.value)
