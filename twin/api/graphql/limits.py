"""What one GraphQL request may ask for, checked before anything is executed.

Depth alone does not bound a document: a fragment that spreads two others, and so on, doubles its fields at each step,
and brackets nested deep enough exhaust the parser's stack.  So brackets are counted before parsing, and fields and
aliases with every fragment put in, each fragment visited once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from twin.errors import InvalidInput
from twin.settings import GraphqlSettings

_SET = GraphqlSettings()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for; whoever reaches one is told its name and what to do.

    ``depth`` counts nested selections, ``nesting`` every kind of bracket and fragment spread, ``fields`` and
    ``aliases`` what a document has once its fragments are put in, ``page`` the items of one list, ``objects``
    everything listed in one answer, ``points`` the buckets of one history, ``all_points`` those of one answer,
    ``pasts`` the moments of the past that one document asks as of, ``slow_seconds`` how long a subscriber may be
    behind.
    """

    document_characters: int = 65_536
    tokens: int = _SET.tokens
    nesting: int = 64
    depth: int = _SET.depth
    fields: int = 2_000
    aliases: int = _SET.aliases
    page: int = _SET.page
    objects: int = 20_000
    points: int = 10_000
    all_points: int = 50_000
    pasts: int = 3
    body_bytes: int = 1024 * 1024
    command_seconds: float = 60.0
    slow_seconds: float = _SET.slow_seconds

    @staticmethod
    def of(settings: GraphqlSettings) -> Limits:
        """The limits with those that the configuration file sets."""
        return replace(
            Limits(),
            depth=settings.depth,
            aliases=settings.aliases,
            tokens=settings.tokens,
            page=settings.page,
            slow_seconds=settings.slow_seconds,
        )


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a selection reaches with its fragments put in: its ``depth`` in fields, its ``nesting`` in selections and
    spreads, and how many ``fields`` and ``aliases``."""

    depth: int = 0
    nesting: int = 0
    fields: int = 0
    aliases: int = 0


_BRACKETS = re.compile(
    r'"""(?:[^"\\]|\\"""|\\|"(?!""))*"""'  # block strings, quoted strings and comments hold no brackets
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|\#[^\n\r]*"
    r"|[{\[(]|[}\])]"
)


def check_text(text: str, limits: Limits) -> None:
    """Returns when the text may be parsed; raises `InvalidInput` when it is too long or nested too deep."""
    if len(text) > limits.document_characters:
        raise InvalidInput(
            f"The document has {len(text):,} characters; at most {limits.document_characters:,} are read.",
            remedy="Pass data as variables, and split the document.",
            limit="document_characters",
        )
    level = 0
    for match in _BRACKETS.finditer(text):
        letter = match.group()
        if letter in "{[(":
            level += 1
            if level > limits.nesting:
                raise _nested(limits)
        elif letter in "}])":
            level -= 1


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Returns when the document's size is allowed; raises `InvalidInput` naming the limit otherwise."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    known: dict[str, Extent] = {}
    for name in fragments:
        _fragment(name, fragments, known, 0, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            extent = _selection(definition.selection_set, fragments, known, 0, limits)
            _within("depth", extent.depth, limits.depth, "levels deep", "Ask for less nesting, or in two requests.")
            _within("aliases", extent.aliases, limits.aliases, "aliases long", "Ask for a list, or in two requests.")
            _within("fields", extent.fields, limits.fields, "fields long", "Ask for fewer fields, or in two requests.")


def _selection(
    selection_set: SelectionSetNode | None,
    fragments: dict[str, FragmentDefinitionNode],
    known: dict[str, Extent],
    level: int,
    limits: Limits,
) -> Extent:
    if selection_set is None:
        return Extent()
    if level > limits.nesting:
        raise _nested(limits)
    depth = nesting = fields = aliases = 0
    for selection in selection_set.selections:
        if isinstance(selection, FragmentSpreadNode):
            inner = _fragment(selection.name.value, fragments, known, level + 1, limits)
        else:
            inner = _selection(_inside(selection), fragments, known, level + 1, limits)
        if isinstance(selection, FieldNode):
            if selection.name.value.startswith("__"):
                inner = replace(inner, depth=0)  # the schema's description of itself is deep by nature
            inner = replace(
                inner,
                depth=inner.depth + 1,
                fields=inner.fields + 1,
                aliases=inner.aliases + (selection.alias is not None),
            )
        depth = max(depth, inner.depth)
        nesting = max(nesting, inner.nesting + 1)
        fields += inner.fields
        aliases += inner.aliases
    if nesting > limits.nesting:
        raise _nested(limits)
    return Extent(depth, nesting, fields, aliases)


def _inside(selection: SelectionNode) -> SelectionSetNode | None:
    return selection.selection_set if isinstance(selection, FieldNode | InlineFragmentNode) else None


def _fragment(
    name: str,
    fragments: dict[str, FragmentDefinitionNode],
    known: dict[str, Extent],
    level: int,
    limits: Limits,
) -> Extent:
    if name in known:
        return known[name]
    if name not in fragments:
        return Extent()  # validation names the fragment that is missing
    known[name] = Extent()  # a fragment inside itself adds nothing; validation refuses the circle
    extent = _selection(fragments[name].selection_set, fragments, known, level, limits)
    known[name] = extent
    return extent


def _within(name: str, found: int, limit: int, measure: str, remedy: str) -> None:
    if found > limit:
        raise InvalidInput(
            f"The document is {found:,} {measure}; at most {limit:,} are allowed.", remedy=remedy, limit=name
        )


def _nested(limits: Limits) -> InvalidInput:
    return InvalidInput(
        f"The document nests more than {limits.nesting} levels deep.", remedy="Ask for less nesting.", limit="nesting"
    )
