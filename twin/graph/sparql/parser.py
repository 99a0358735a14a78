"""Reads the text of a query into a tree, strictly: what it does not know is refused and never guessed at.

Groups, triples, paths and subqueries by the grammar of SPARQL 1.1 (section 19.8), and LATERAL; the inside of an
expression is kept as it was written.  Texts come here behind the gate, whose limits bound the depth of this recursion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twin.graph.sparql import tree
from twin.graph.sparql.path_reading import PathReader
from twin.graph.sparql.terms import Fresh, NotUnderstood, plain
from twin.graph.sparql.tokens import Token

_ENDS = ("}", ".", "")


@dataclass(slots=True)
class Query:
    """A whole query: its prologue and what stands before the pattern, the pattern, and the text behind it.  ``select``
    is the SELECT itself when it is one."""

    prologue: str
    select: tree.Select
    form: str
    fresh: Fresh


def parse(text: str, prefixes: Mapping[str, str]) -> Query:
    """The query; ``prefixes`` are those that need no declaration.  Raises `NotUnderstood`."""
    return _Parser(text, prefixes).query()


class _Parser(PathReader):
    # ---- the whole

    def query(self) -> Query:
        while (word := self._word()) in ("PREFIX", "BASE", "VERSION"):
            if word != "PREFIX":
                raise NotUnderstood(word)  # relative IRIs are the parser's to resolve
            self._prefixes[self._ahead(1).removesuffix(":")] = self._ahead(2)[1:-1]
            self._at += 3
        prologue = self._text[: self._position()]
        form = self._word()
        if form == "SELECT":
            select = self._select()
        elif form in ("ASK", "DESCRIBE", "CONSTRUCT"):
            begin = self._position()
            self._at += 1
            if form == "CONSTRUCT":
                if self._peek() != "{":
                    raise NotUnderstood("the short form of CONSTRUCT")
                self._skip_braces()
            head = self._text[begin : self._position()] if form == "CONSTRUCT" else form
            targets = self._until("FROM", "WHERE", "{") if form == "DESCRIBE" else ""
            datasets = self._until("WHERE", "{")
            select = tree.Select(head, targets, datasets, *self._where())
        else:
            raise NotUnderstood(form)
        if self._at < len(self._tokens):
            raise NotUnderstood("text behind the query")
        return Query(prologue, select, form, self._fresh)

    def _select(self) -> tree.Select:
        begin = self._position()
        self._at += 1
        if self._word() in ("DISTINCT", "REDUCED"):
            self._at += 1
        head = self._text[begin : self._position()]
        first = self._at
        projection = self._until("FROM", "WHERE", "{").strip()
        names = _projected(self._tokens[first : self._at])
        datasets = self._until("WHERE", "{")
        return tree.Select(head, projection, datasets, *self._where(), names)

    def _where(self) -> tuple[tree.Group, str]:
        if self._word() == "WHERE":
            self._at += 1
        group = self._group()
        return group, self._until("}", braces=True)

    # ---- groups

    def _group(self) -> tree.Group:
        self._expect("{")
        if self._word() == "SELECT":
            select = self._select()
            self._expect("}")
            return tree.Group((select,))
        elements: list[tree.Element] = []
        while self._peek() != "}":
            word = self._word()
            if word in ("OPTIONAL", "MINUS", "LATERAL"):
                self._at += 1
                elements.append(tree.Nested(word, self._group()))
            elif word == "GRAPH":
                self._at += 1
                name = self._term()
                elements.append(tree.Nested(word, self._group(), name))
            elif word == "FILTER":
                self._at += 1
                elements.append(tree.Filter(self._constraint()))
            elif word == "BIND":
                self._at += 1
                elements.append(self._bind())
            elif word == "VALUES":
                elements.append(self._values())
            elif self._peek() == "{":
                elements.append(self._bare_or_union())
            elif word:
                raise NotUnderstood(word)
            else:
                self._triples(elements)
                if self._peek() not in (".", "}", "{") and self._word() not in _KEYWORDS:
                    raise NotUnderstood("no dot between triples")
            if self._peek() == ".":
                self._at += 1
        self._expect("}")
        return tree.Group(tuple(elements))

    def _bare_or_union(self) -> tree.Element:
        arms = [self._group()]
        while self._word() == "UNION":
            self._at += 1
            arms.append(self._group())
        if len(arms) > 1:
            return tree.Union(tuple(arms))
        (only,) = arms
        if len(only.elements) == 1 and isinstance(only.elements[0], tree.Select):
            return only.elements[0]
        return tree.Nested("", only)

    def _values(self) -> tree.Values:
        begin = self._position()
        self._at += 1
        names = []
        if self._peek() == "(":
            self._at += 1
            while self._peek() != ")":
                names.append(self._variable().name)
            self._at += 1
        else:
            names.append(self._variable().name)
        first = self._at
        self._skip_braces()
        undefined = any(token.text.upper() == "UNDEF" for token in self._tokens[first : self._at])
        return tree.Values(self._since(begin), tuple(names), frozenset() if undefined else frozenset(names))

    def _bind(self) -> tree.Bind:
        parts = self._constraint()
        before = self._tokens[self._at - 3 : self._at]
        if len(before) < 3 or before[0].text.upper() != "AS" or before[1].kind != "variable":
            raise NotUnderstood("BIND without AS")
        return tree.Bind(parts, before[1].text[1:])

    def _constraint(self) -> tuple[str | tree.Group, ...]:
        """An expression in parentheses, a call, or [NOT] EXISTS and its group."""
        parts: list[str | tree.Group] = []
        begin = self._position()
        depth = 0
        while True:
            token = self._token()
            plain(token)
            self._at += 1
            word = token.text.upper() if token.kind == "word" else ""
            if word == "EXISTS":
                parts.append(self._text[begin : token.end] + " ")
                parts.append(self._group())
                begin = self._position() if depth else self._tokens[self._at - 1].end
                if depth == 0:
                    return tuple(parts)
                continue
            if token.text in ("{", "}", "[", "]"):
                raise NotUnderstood(token.text)
            depth += (token.text == "(") - (token.text == ")")
            if depth < 0:
                raise NotUnderstood(")")
            if depth == 0 and token.text == ")":
                parts.append(self._text[begin : token.end])
                return tuple(parts)
            if depth == 0 and token.kind not in ("word", "name", "iri"):
                raise NotUnderstood(token.text)

    # ---- triples

    def _triples(self, elements: list[tree.Element]) -> None:
        if self._peek() in ("(", "<<"):
            raise NotUnderstood(self._peek())
        if self._peek() == "[":
            subject: tree.Term = self._nameless(elements)
            if self._peek() in _ENDS:
                return
        else:
            subject = self._term()
        self._predicates(subject, elements)

    def _predicates(self, subject: tree.Term, elements: list[tree.Element]) -> None:
        while True:
            path: tree.Path | tree.Variable
            path = self._variable() if self._token().kind == "variable" else self._path()
            while True:
                object = self._nameless(elements) if self._peek() == "[" else self._term()
                elements.append(tree.Triple(subject, path, object))
                if self._peek() != ",":
                    break
                self._at += 1
            if self._peek() != ";":
                return
            while self._peek() == ";":
                self._at += 1
            if self._peek() in (*_ENDS, "]") or self._word() in _KEYWORDS:
                return

    def _nameless(self, elements: list[tree.Element]) -> tree.Variable:
        self._expect("[")
        node = self._fresh.variable()
        if self._peek() != "]":
            self._predicates(node, elements)
        self._expect("]")
        return node


_KEYWORDS = frozenset(("OPTIONAL", "MINUS", "LATERAL", "GRAPH", "FILTER", "BIND", "VALUES"))


def _projected(tokens: list[Token]) -> tuple[str, ...]:
    """The variables that a projection names: those outside parentheses, and those behind AS."""
    names: list[str] = []
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if token.kind == "variable" and (depth == 0 or (depth == 1 and tokens[at - 1].text.upper() == "AS")):
            names.append(token.text[1:])
    return tuple(names)
