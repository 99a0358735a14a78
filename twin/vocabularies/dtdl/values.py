"""The scalar members of an element: read from JSON, checked against what the language says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from twin.vocabularies.dtdl import dtmi as dtmis
from twin.vocabularies.dtdl.documents import as_list, term, unwrapped
from twin.vocabularies.dtdl.language import Member
from twin.vocabularies.dtdl.problems import Problem

_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class At:
    """Where a member stands, for the problems found in it."""

    document: str
    path: str
    dtmi: str
    key: str
    version: int

    def problem(self, rule: str, message: str, remedy: str) -> Problem:
        """A problem at this place."""
        return Problem(rule, self.dtmi, self.path, message, remedy, self.document)


def shown(value: object) -> str:
    """The value as a person wants to see it in a sentence, cut when long."""
    text = f'"{value}"' if isinstance(value, str) else "an object" if isinstance(value, dict) else str(value)
    return text if len(text) <= 60 else text[:57] + '..."'


def read(member: Member, held: object, at: At, problems: list[Problem]) -> Any:
    """The value of a scalar member, or None when it is wrong; what is wrong goes to ``problems``."""
    if member.kind == "localized":
        return _localized(member, held, at, problems)
    value = unwrapped(held)
    if isinstance(value, list):
        if len(value) != 1:
            problems.append(at.problem("member.single", f"{at.key} takes one value, not {len(value)}.", "Keep one."))
            return None
        value = unwrapped(value[0])
    match member.kind:
        case "boolean":
            wrong = None if isinstance(value, bool) else "true or false"
        case "integer":
            wrong = None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
        case "literal":
            wrong = None if isinstance(value, int | str) and not isinstance(value, bool) else "a whole number or a text"
        case _:
            wrong = None if isinstance(value, str) else "a text"
    if wrong:
        problems.append(at.problem("member.type", f"{at.key} is {shown(value)}.", f"Write {wrong}."))
        return None
    found = _judged(member, value, at)
    problems += found
    return term(value) if member.kind == "term" and isinstance(value, str) else value


def _judged(member: Member, value: object, at: At) -> list[Problem]:
    found: list[Problem] = []
    if isinstance(value, str):
        if member.longest is not None and len(value) > member.longest:
            found.append(at.problem("limit.length", f"{at.key} has {len(value)} characters.",
                                    f"Shorten it to {member.longest}."))  # fmt: skip
        if member.kind == "name" and _NAME.fullmatch(value) is None:
            found.append(at.problem("name.syntax", f"{at.key} {shown(value)} is no name.",
                                    "Use letters, digits and underscores; start with a letter, end with a letter or"
                                    " digit."))  # fmt: skip
        if member.kind == "dtmi" and not dtmis.is_user_dtmi(value, at.version):
            found.append(at.problem("reference.syntax", f"{at.key} {shown(value)} is no DTMI.",
                                    "Write the @id of an Interface."))  # fmt: skip
        if member.kind == "term" and member.of and term(value) not in member.of:
            found.append(at.problem("member.value", f"{at.key} is {shown(value)}.", f"Use {' or '.join(member.of)}."))
    elif isinstance(value, int):
        if member.least is not None and value < member.least:
            found.append(at.problem("limit.value", f"{at.key} is {value}.", f"Use {member.least} or more."))
        if member.most is not None and value > member.most:
            found.append(at.problem("limit.value", f"{at.key} is {value}.", f"Use {member.most} or less."))
    return found


def _localized(member: Member, held: object, at: At, problems: list[Problem]) -> dict[str, str] | None:
    """Texts by language; a plain text is English, the language's default."""
    texts: dict[str, str] = {}
    for item in as_list(held):
        if isinstance(item, str):
            pairs: list[tuple[object, object]] = [("en", item)]
        elif isinstance(item, dict) and "@value" in item:
            pairs = [(item.get("@language", "en"), item["@value"])]
        elif isinstance(item, dict):
            pairs = list(item.items())
        else:
            problems.append(at.problem("member.type", f"{at.key} is {shown(item)}.",
                                       'Write a text, or texts by language such as {"en": "..."}.'))  # fmt: skip
            continue
        for language, text in pairs:
            if isinstance(text, list) and len(text) == 1:
                text = text[0]
            if not isinstance(language, str) or _LANGUAGE.fullmatch(language) is None:
                problems.append(at.problem("localized.language", f"{shown(language)} is no language tag.",
                                           "Use a BCP 47 tag such as en."))  # fmt: skip
            elif not isinstance(text, str):
                problems.append(at.problem("member.type", f"{at.key} in {language} is {shown(text)}.", "Write a text."))
            elif language in texts:
                problems.append(at.problem("localized.twice", f"{at.key} is given twice in {language}.", "Keep one."))
            else:
                texts[language] = text
                if member.longest is not None and len(text) > member.longest:
                    problems.append(at.problem("limit.length", f"{at.key} has {len(text)} characters.",
                                               f"Shorten it to {member.longest}."))  # fmt: skip
    return texts or None
