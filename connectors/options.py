"""The options of a connection, declared as a dataclass beside the connector and read from the text in the graph."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import field, fields
from pathlib import Path
from typing import Any, TypeVar

from twin.connector import ConnectorError

T = TypeVar("T")

REFERENCE, FILE = "env:", "file:"
"""What references to an environment variable and to a file begin with; a secret is never written into the graph."""


def option(
    default: bool | int | float | str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """A dataclass field with what its text may be; the default's type is the option's type.

    A ``secret`` must be given as ``env:NAME`` or ``file:PATH``; any other text option may be.
    """
    return field(
        default=default,
        metadata={"minimum": minimum, "maximum": maximum, "choices": choices, "secret": secret},
    )


def read(kind: type[T], options: Mapping[str, str]) -> T:
    """The options as an instance of the dataclass ``kind``.

    Raises `ConnectorError` in words for an unknown option (naming the nearest), a text that is no value of the
    option, a secret written in clear, and a reference to an environment variable that is not set.
    """
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]  # T is always a dataclass here
    values = {}
    for name, text in options.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"the options are {', '.join(known)}."
            raise ConnectorError(f"There is no option {name}; {hint}")
        values[name] = _value(name, text, known[name].default, known[name].metadata)
    return kind(**values)


def _value(name: str, text: str, default: object, rule: Mapping[str, Any]) -> object:
    if text.startswith(REFERENCE) and isinstance(default, str):
        return _from_environment(name, text.removeprefix(REFERENCE))
    if text.startswith(FILE) and isinstance(default, str) and rule["secret"]:
        return _from_file(name, text.removeprefix(FILE))
    if rule["secret"]:
        raise ConnectorError(
            f"The option {name} is a secret and must not stand in the graph: "
            f"put it in an environment variable and write {name}=env:NAME, or in a file and write {name}=file:PATH."
        )
    if rule["choices"] and text not in rule["choices"]:
        raise ConnectorError(f"The option {name} is {text!r}; it must be one of {', '.join(rule['choices'])}.")
    if isinstance(default, str):
        return text
    return _number(name, text, default, rule)


def _number(name: str, text: str, default: object, rule: Mapping[str, Any]) -> object:
    try:
        number = int(text) if isinstance(default, int) else float(text)
    except ValueError:
        raise ConnectorError(f"The option {name} is {text!r}; it must be a number.") from None
    least, most = rule["minimum"], rule["maximum"]
    if (least is not None and not number >= least) or (most is not None and not number <= most):
        bounds = f"at least {least:g}" if most is None else f"between {least:g} and {most:g}"
        raise ConnectorError(f"The option {name} is {text}; it must be {bounds}.")
    return number


def _from_environment(name: str, variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        raise ConnectorError(
            f"The option {name} refers to the environment variable {variable}, which is not set; "
            "set it before the server starts."
        )
    return value


def _from_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, ValueError):
        raise ConnectorError(f"The option {name} refers to the file {path}, which cannot be read.") from None
