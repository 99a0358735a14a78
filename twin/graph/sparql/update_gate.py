"""What a SPARQL update asks for, operation by operation, found from its words before any parser sees it.

SPARQL 1.1 Update, without LOAD.  Of each operation the pieces are cut out that parsers read later, in a process that
can be killed: the pattern of WHERE as a SELECT, the templates as TriG with names in place of variables.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from twin.errors import InvalidInput
from twin.graph.sparql.gate import LIMITS, PREFIXES, Limits, calls_live, iri_of, prologue, within, words_of
from twin.graph.sparql.tokens import Token, place

_MOST_OPERATIONS = 100
Kind = Literal["modify", "clear", "create", "copy", "move", "add"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.  ``graph`` is that of WITH, or the one that is cleared, created or written to; ``source`` the one
    that is copied, moved or added.  ``delete`` and ``insert`` are TriG in which ``marker`` + a variable's name stands
    for it; ``where`` is a SELECT of ``variables``, or empty where there is no pattern.  ``using`` are the graphs that
    it reads instead of all."""

    kind: Kind
    graph: str = ""
    source: str = ""
    silent: bool = False
    delete: str = ""
    insert: str = ""
    where: str = ""
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """An update that may be evaluated.  ``reads`` says that what it comes to depends on what the graph holds, ``live``
    that it calls live functions."""

    operations: tuple[Operation, ...]
    reads: bool
    live: bool


def examine_update(text: str, limits: Limits = LIMITS) -> Update:
    """The operations of an update; raises `QueryTooLarge` or `InvalidInput` with the reason and what to do."""
    tokens = words_of(text, limits, "update")
    within(text, tokens, replace(limits, operators=len(text)), "update")
    reader = _Operations(text, tokens)
    operations = tuple(reader.all())
    # Data is no work for the evaluator, however much it is.
    within(text, reader.worked(), limits, "update")
    if not operations:
        raise InvalidInput("The update is empty.", remedy="Send INSERT DATA, DELETE DATA or another operation.")
    reads = any(each.where or each.kind != "modify" for each in operations)
    return Update(operations, reads, calls_live(tokens, reader.prefixes))


class _Operations:
    def __init__(self, text: str, tokens: list[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0
        self._base = ""
        self._data: list[range] = []
        self._marker = f"urn:twin:variable:{secrets.token_hex(6)}:"  # no text names it by chance, or on purpose
        self.prefixes: Mapping[str, str] = PREFIXES

    def all(self) -> list[Operation]:
        """Every operation, in order."""
        found: list[Operation] = []
        while True:
            self.prefixes, self._base, self._at = prologue(self._tokens, self._at, self.prefixes, self._base)
            if self._at >= len(self._tokens):
                return found
            if len(found) >= _MOST_OPERATIONS:
                raise InvalidInput(
                    f"The update has more than {_MOST_OPERATIONS} operations.", remedy="Send it in several requests."
                )
            found.append(self._operation())
            if self._at < len(self._tokens):
                self._expect(";")

    def worked(self) -> list[Token]:
        """The words outside data blocks."""
        covered = {at for block in self._data for at in block}
        return [token for at, token in enumerate(self._tokens) if at not in covered]

    def _operation(self) -> Operation:
        first = self._tokens[self._at]
        word = self._word()
        if word in ("INSERT", "DELETE", "WITH"):
            return self._modify()
        self._at += 1
        silent = self._taken("SILENT")
        if word in ("CLEAR", "DROP"):
            return Operation("clear", self._graph(word), silent=silent)
        if word == "CREATE":
            return Operation("create", self._graph(word), silent=silent)
        if word in ("COPY", "MOVE", "ADD"):
            source = self._graph(word, "GRAPH", or_not=True)
            self._expect("TO")
            target = self._graph("TO", "GRAPH", or_not=True)
            kind: Kind = "copy" if word == "COPY" else "move" if word == "MOVE" else "add"
            return Operation(kind, target, source, silent)
        if word == "LOAD":
            raise InvalidInput(
                f"LOAD at {place(self._text, first.position)} is refused: updates do not leave this server.",
                remedy="Fetch the file yourself, and import it or send it to /rdf-graphs.",
            )
        if word in ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"):
            raise InvalidInput(
                f"This is a query ({word}), and this endpoint takes updates only.", remedy="Send it to /sparql."
            )
        raise InvalidInput(
            f"An operation begins with INSERT, DELETE, WITH, CLEAR, DROP, CREATE, COPY, MOVE or ADD, not with "
            f"{first.text[:40]!r} at {place(self._text, first.position)}.",
            remedy="See whether the operation before it ends with a semicolon.",
        )

    def _modify(self) -> Operation:
        found = Operation("modify", marker=self._marker)
        if self._taken("WITH"):
            found = replace(found, graph=self._iri("WITH"))
        word = self._word()
        if word in ("INSERT", "DELETE") and self._word(1) == "DATA":
            if found.graph:
                raise self._wrong("WITH does not go with data.", "Write GRAPH <...> { ... } inside the braces.")
            self._at += 2
            begin, end = self._block()
            self._data.append(range(begin, end))
            quads = self._trig(begin, end, data=True)
            return replace(found, insert=quads) if word == "INSERT" else replace(found, delete=quads)
        if word == "DELETE" and self._word(1) == "WHERE":
            self._at += 2
            begin, end = self._block()
            template = self._trig(begin, end)
            return replace(found, delete=template, where=self._select(begin, end, [(begin, end)]))
        blocks: list[tuple[int, int]] = []
        if self._taken("DELETE"):
            blocks.append(self._block())
            found = replace(found, delete=self._trig(*blocks[-1]))
        if self._taken("INSERT"):
            blocks.append(self._block())
            found = replace(found, insert=self._trig(*blocks[-1]))
        if not blocks:
            raise self._wrong("WITH is followed by DELETE or INSERT.", "Write the templates in braces.")
        using: list[str] = []
        named: list[str] = []
        while self._taken("USING"):
            (named if self._taken("NAMED") else using).append(self._iri("USING"))
        self._expect("WHERE")
        begin, end = self._block()
        return replace(found, where=self._select(begin, end, blocks), using=tuple(using), using_named=tuple(named))

    def _trig(self, begin: int, end: int, *, data: bool = False) -> str:
        """The quads between two words as TriG: what stands outside GRAPH in braces of its own, variables as names.

        Lines stay where they are in the update, so that an error is told where it stands.
        """
        if begin == end:
            return ""
        tokens, text = self._tokens[begin:end], self._text
        parts = [self._declared(), self._down_to(tokens[0].position)]
        cursor, depth, open_run, after_graph = tokens[0].position, 0, False, False
        for number, token in enumerate(tokens):
            parts.append(text[cursor : token.position])
            cursor = token.end
            written = token.text
            if token.kind == "variable":
                if data:
                    raise self._wrong(
                        f"Data holds no variables, as {token.text} is.", "Use INSERT {...} WHERE {...}.", token
                    )
                written = f"<{self._marker}{token.text[1:]}>"
            starts_graph = depth == 0 and token.kind == "word" and written.upper() == "GRAPH"
            if starts_graph and open_run:
                parts.append("} ")
                open_run = False
            elif depth == 0 and not starts_graph and not open_run and not self._names_graph(tokens, number):
                if written == "." and after_graph:
                    after_graph = False
                    continue
                if written not in ("{", "}"):
                    parts.append("{ ")
                    open_run = True
            depth += (written == "{") - (written == "}")
            after_graph = written == "}" and depth == 0
            parts.append(written)
        if open_run:
            parts.append("\n}")
        return "".join(parts)

    @staticmethod
    def _names_graph(tokens: Sequence[Token], number: int) -> bool:
        """Whether a word outside braces is the name of a graph, after GRAPH."""
        return number > 0 and tokens[number - 1].kind == "word" and tokens[number - 1].text.upper() == "GRAPH"

    def _select(self, begin: int, end: int, templates: Sequence[tuple[int, int]]) -> str:
        inside = [token for first, last in templates for token in self._tokens[first:last]]
        names = dict.fromkeys("?" + token.text[1:] for token in inside if token.kind == "variable")
        # A blank node in a template is another one for each solution; otherwise solutions that say the same are one.
        fresh = any(token.kind == "label" or token.text in ("[", "(") for token in inside)
        distinct = "" if fresh else "DISTINCT "
        start, stop = self._tokens[begin - 1].position, self._tokens[end].end
        # Without a variable it matters only whether there is a solution, or how many.
        what = " ".join(names) or "(1 AS ?urn_twin_any)"
        head = f"{self._declared()} SELECT {distinct}{what} WHERE "
        return head + self._down_to(start) + self._text[start:stop]

    def _down_to(self, position: int) -> str:
        """The empty lines and columns that keep what follows where it stands, one line further down."""
        before = self._text[:position]
        return "\n" * (before.count("\n") + 1) + " " * (position - before.rfind("\n") - 1)

    def _declared(self) -> str:
        base = f"BASE {self._base} " if self._base else ""
        return base + " ".join(f"PREFIX {name}: <{iri}>" for name, iri in self.prefixes.items()) + " "

    def _block(self) -> tuple[int, int]:
        """The words between braces, from the first to the closing brace; the brace is passed."""
        self._expect("{")
        begin, depth = self._at, 1
        while self._at < len(self._tokens):
            text = self._tokens[self._at].text
            depth += (text == "{") - (text == "}")
            self._at += 1
            if depth == 0:
                return begin, self._at - 1
        raise self._wrong("A brace does not close.", "See what is missing at the end.")

    def _graph(self, word: str, before: str = "GRAPH", *, or_not: bool = False) -> str:
        named = self._word()
        if named in ("DEFAULT", "NAMED", "ALL"):
            raise self._wrong(
                f"{word} {named} is refused: which graphs would change is not said.",
                "Name the graph of a site, e.g. GRAPH <urn:twin:site:office>.",
            )
        if not self._taken(before) and not or_not:
            raise self._wrong(f"{word} is followed by GRAPH and its IRI.", "Name the graph.")
        return self._iri(word)

    def _iri(self, word: str) -> str:
        if self._at >= len(self._tokens):
            raise self._wrong(f"{word} is followed by the IRI of a graph.", "Name the graph.")
        self._at += 1
        return iri_of(self._tokens[self._at - 1], self.prefixes, word)

    def _word(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at].text.upper() if at < len(self._tokens) and self._tokens[at].kind == "word" else ""

    def _taken(self, word: str) -> bool:
        if self._word() != word:
            return False
        self._at += 1
        return True

    def _expect(self, text: str) -> None:
        if self._at >= len(self._tokens) or self._tokens[self._at].text.upper() != text:
            found = repr(self._tokens[self._at].text[:40]) if self._at < len(self._tokens) else "the end"
            raise self._wrong(f"{text} is expected, and not {found}.", "See SPARQL 1.1 Update, section 3.")
        self._at += 1

    def _wrong(self, sentence: str, remedy: str, token: Token | None = None) -> InvalidInput:
        at = token.position if token else self._tokens[self._at].position if self._at < len(self._tokens) else None
        where = "at its end" if at is None else f"at {place(self._text, at)}"
        return InvalidInput(f"The update cannot be read {where}: {sentence}", remedy=remedy)
