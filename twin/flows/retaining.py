"""How long the history keeps what: the rules of ``twin.toml`` said of the properties that there are now."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from twin.clock import NANOSECONDS, Clock
from twin.contracts import History, Retention
from twin.errors import ConfigurationError, InvalidInput, TwinError
from twin.graph.twins.reader import TwinReader
from twin.scope import Scope
from twin.settings import KeepRule

logger = logging.getLogger(__name__)
EVERY = 3600.0  # seconds
_DURATION = re.compile(r"P(?:(\d{1,4})Y)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?)?")
_SECONDS = (365 * 86_400, 7 * 86_400, 86_400, 3600, 60)
_AT_ONCE = 50_000


class Retaining:
    """The rules of a server.  The first one that names a property, or a class of it, is its rule; ``*`` is of all."""

    def __init__(self, rules: Sequence[KeepRule], twins: TwinReader, history: History, clock: Clock) -> None:
        self._rules = [(rule, *_lengths(rule)) for rule in rules]
        self._twins = twins
        self._history = history
        self._clock = clock

    async def run(self) -> None:
        """Applies the rules now and every hour from now on; an error is told in the log and tried again then."""
        while self._rules:
            try:
                await self.apply()
            except TwinError as error:
                logger.warning("The rules of the history could not be applied: %s", error)
            await asyncio.sleep(EVERY)

    async def apply(self) -> int:
        """Applies the rules once; how many observations were deleted."""
        now = self._clock.now()
        retentions = [
            Retention(series, now - keep, width, None if rolled is None else now - rolled)
            for series, (_, keep, width, rolled) in zip(self._series(), self._rules, strict=True)
            if series
        ]
        return await self._history.retain(retentions, time=now) if retentions else 0

    def _series(self) -> list[list[int]]:
        """The series that each rule is of, in their order."""
        matches = [self._matcher(rule.of) for rule, *_ in self._rules]
        found: list[list[int]] = [[] for _ in self._rules]
        scope = Scope()
        for iri in self._twins.properties(scope, limit=10_000_000).items:
            record = self._twins.property(scope, iri)
            if record is not None:
                names = {iri, *(each.iri for each in record.classes)}
                number = next((n for n, matches_it in enumerate(matches) if matches_it(names)), None)
                if number is not None:
                    found[number].append(record.series)
        return found

    def _matcher(self, of: str) -> Callable[[set[str]], bool]:
        if of == "*":
            return lambda _names: True
        known = {of}
        with suppress(InvalidInput):  # it names a property then
            known |= {cls.value for cls in self._twins.classes_below(of)}
        return lambda names: not known.isdisjoint(names)


def _lengths(rule: KeepRule) -> tuple[int, int | None, int | None]:
    """How long rows are kept, how long a summary is, and how long those are kept (None: for ever), in ns."""
    keep = _length(rule.of, "keep", rule.keep)
    if not rule.summarise:
        return keep, None, None
    width = _length(rule.of, "summarise", rule.summarise)
    if width > 86_400 * NANOSECONDS or (86_400 * NANOSECONDS) % width:
        raise ConfigurationError(
            f"history.rules of {rule.of!r}: summaries of {rule.summarise} do not divide a day.",
            remedy='Write one that does, such as "PT15M", "PT1H" or "P1D".',
        )
    rolled = _length(rule.of, "keep_summaries", rule.keep_summaries) if rule.keep_summaries else None
    return keep, width, rolled


def _length(of: str, name: str, text: str) -> int:
    found = _DURATION.fullmatch(text.strip())
    seconds = sum(int(n) * each for n, each in zip(found.groups(), _SECONDS, strict=True) if n) if found else 0
    if not seconds:
        raise ConfigurationError(
            f"history.rules of {of!r}: {name} is {text!r}, which is no length of time.",
            remedy='Write it as "P90D", "P2Y" or "PT1H".',
        )
    return seconds * NANOSECONDS
