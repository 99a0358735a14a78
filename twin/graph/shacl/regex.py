"""Regular expressions of shapes (`sh:pattern`), matched in time linear in the text whatever the expression.

XPath's expressions (as in SPARQL's REGEX) are put into RE2's words.  ``\\d``, ``\\w`` and ``\\s`` mean what they
mean to the graph store's own REGEX: Unicode's digits, word characters and white space.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2

from twin.errors import InvalidInput

__all__ = ["Matcher", "matcher"]

Matcher = Callable[[str], bool]
_LONGEST = 4096
_CLASSES = {
    "d": r"\p{Nd}",
    "w": r"\p{L}\p{M}\p{Nd}\p{Pc}",
    "s": r"\t\n\v\f\r \x{85}\p{Z}",
    "i": r"\p{L}_:",
    "c": r"\p{L}\p{M}\p{Nd}_:.\x{B7}-",
}
_OTHERS = {
    "D": r"\P{Nd}",
    "W": r"\p{Nl}\p{No}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}\p{S}\p{Z}\p{C}",
    "S": r"\x{0}-\x{8}\x{E}-\x{1F}\x{21}-\x{84}\x{86}-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}"
    r"\x{202A}-\x{202E}\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{10FFFF}",
}
"""The negated classes as they are written inside brackets."""
_KNOWN_FLAGS = frozenset("smixq")


@lru_cache(maxsize=1024)
def matcher(pattern: str, flags: str = "") -> Matcher:
    """Whether a text holds a match of the pattern, as a function.

    ``flags`` are those of XPath: s, m, i, x, q.  Raises `InvalidInput` for what is no regular expression, or none that
    can be matched in bounded time (look-around, references to groups, huge repetitions).
    """
    unknown = sorted(set(flags) - _KNOWN_FLAGS)
    if unknown:
        raise InvalidInput(f"The flag {unknown[0]!r} is none of a pattern's.", remedy="Use s, m, i, x or q.")
    if len(pattern) > _LONGEST:
        raise InvalidInput(
            f"The pattern is {len(pattern):,} characters long; at most {_LONGEST:,} are matched.",
            remedy="Split it into several shapes.",
        )
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.case_sensitive = "i" not in flags
    if "q" in flags:
        words = re2.escape(pattern)
    else:
        switches = "".join(flag for flag in "sm" if flag in flags)
        words = (f"(?{switches})" if switches else "") + _translated(pattern, "x" in flags)
    try:
        compiled = re2.compile(words, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise InvalidInput(
            f"The pattern {pattern!r} cannot be matched in bounded time, or is no regular expression: {reason}.",
            remedy="Write it without look-around, references to groups and repetitions above 1,000.",
        ) from None
    search = compiled.search
    return lambda text: search(text) is not None


def _translated(pattern: str, spaced: bool) -> str:
    """The pattern with XPath's classes spelled out; without its spaces where the flag x asks for that."""
    out: list[str] = []
    inside, position = False, 0
    while position < len(pattern):
        sign = pattern[position]
        position += 1
        if sign == "\\" and position < len(pattern):
            escaped = pattern[position]
            position += 1
            out.append(_escaped(escaped, inside))
        elif sign == "[":
            if inside and out[-1] == "-":
                raise InvalidInput(
                    f"The pattern {pattern!r} takes one class of characters from another.",
                    remedy="List the characters that are allowed instead.",
                )
            out.append(r"\[" if inside else sign)
            inside = True
        elif sign == "]":
            inside = False
            out.append(sign)
        elif not (spaced and not inside and sign in " \t\r\n"):
            out.append(sign)
    return "".join(out)


def _escaped(sign: str, inside: bool) -> str:
    members = _CLASSES.get(sign.lower())
    if members is None:
        return "\\" + sign
    if sign.islower():
        return members if inside else f"[{members}]"
    if inside:
        return _OTHERS.get(sign, "\\" + sign)  # RE2 has no difference of classes
    return f"[^{members}]"
