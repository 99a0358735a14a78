"""Reads the terms of a query one after another from its tokens; what it does not know is refused, never guessed at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from twin.graph.sparql import tree
from twin.graph.sparql.tokens import Token, tokens_of
from twin.terms import NamedNode

_ESCAPE = re.compile(r"\\(.)")


class NotUnderstood(Exception):
    """The text is beyond this parser (or no query at all): it is to be passed on as it is."""


@dataclass(slots=True)
class Fresh:
    """Names of variables that the text does not use."""

    stem: str
    made: set[str] = field(default_factory=set)

    def variable(self) -> tree.Variable:
        """One that was not given before."""
        name = f"{self.stem}{len(self.made)}"
        self.made.add(name)
        return tree.Variable(name)


class TermReader:
    """Stands at a token of a text and goes on as terms are read; blank nodes become variables of their own."""

    def __init__(self, text: str, prefixes: Mapping[str, str]) -> None:
        self._text = text
        self._tokens = list(tokens_of(text))
        self._at = 0
        self._prefixes = dict(prefixes)
        self._labels: dict[str, tree.Variable] = {}
        stem = "e__"
        while stem in text:
            stem += "_"
        self._fresh = Fresh(stem)

    # ---- terms

    def _term(self) -> tree.Term:
        token = self._token()
        if token.kind == "variable":
            return self._variable()
        if token.kind in ("iri", "name"):
            return self._iri()
        if token.kind == "label":
            self._at += 1
            if token.text not in self._labels:
                self._labels[token.text] = self._fresh.variable()
            return self._labels[token.text]
        if token.kind == "text":
            return self._literal()
        if token.kind == "number" or token.text in ("+", "-"):
            return self._number()
        if token.kind == "word" and token.text.lower() in ("true", "false"):
            self._at += 1
            return tree.Other(token.text)
        raise NotUnderstood(token.text)

    def _literal(self) -> tree.Other:
        token = self._token()
        self._at += 1
        text = token.text
        if self._at < len(self._tokens) and self._tokens[self._at].kind == "language":
            text += self._peek()
            self._at += 1
        elif self._peek() == "^^":
            self._at += 1
            text += f"^^{self._iri()}"
        return tree.Other(text)

    def _number(self) -> tree.Other:
        sign = self._peek() if self._peek() in ("+", "-") else ""
        self._at += bool(sign)
        token = self._token()
        if token.kind != "number":
            raise NotUnderstood(token.text)
        if token.text.endswith("."):  # the end of the triple, and not of the number
            self._tokens[self._at : self._at + 1] = [
                Token("number", token.text[:-1], token.position),
                Token("symbol", ".", token.end - 1),
            ]
        self._at += 1
        return tree.Other(sign + self._tokens[self._at - 1].text)

    def _variable(self) -> tree.Variable:
        token = self._token()
        if token.kind != "variable":
            raise NotUnderstood(token.text)
        self._at += 1
        return tree.Variable(token.text[1:])

    def _iri(self) -> NamedNode:
        token = self._token()
        plain(token)
        self._at += 1
        iri = token.text[1:-1] if token.kind == "iri" else ""
        if token.kind == "name":
            prefix, _, local = token.text.partition(":")
            if prefix not in self._prefixes:
                raise NotUnderstood(token.text)
            iri = self._prefixes[prefix] + _ESCAPE.sub(r"\1", local)
        if ":" not in iri or "\\" in iri:
            raise NotUnderstood(token.text)
        try:
            return NamedNode(iri)
        except ValueError as error:
            raise NotUnderstood(token.text) from error

    # ---- tokens

    def _token(self) -> Token:
        if self._at >= len(self._tokens):
            raise NotUnderstood("the end")
        return self._tokens[self._at]

    def _peek(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _ahead(self, by: int) -> str:
        if self._at + by >= len(self._tokens):
            raise NotUnderstood("the end")
        return self._tokens[self._at + by].text

    def _word(self) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at].kind == "word":
            return self._tokens[self._at].text.upper()
        return ""

    def _position(self) -> int:
        return self._tokens[self._at].position if self._at < len(self._tokens) else len(self._text)

    def _since(self, begin: int) -> str:
        return self._text[begin : self._tokens[self._at - 1].end]

    def _expect(self, text: str) -> None:
        if self._peek() != text:
            raise NotUnderstood(f"{self._peek()} in place of {text}")
        self._at += 1

    def _until(self, *ends: str, braces: bool = False) -> str:
        """The text up to one of the words or signs; with ``braces`` it may hold whole groups of them."""
        begin = self._position()
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if (token.text.upper() if token.kind == "word" else token.text) in ends:
                break
            plain(token)
            if token.kind == "word" and token.text.upper() == "EXISTS":
                raise NotUnderstood("EXISTS outside the pattern")
            if token.text == "{" and braces:
                self._skip_braces()
            else:
                self._at += 1
        return self._since(begin) if self._position() > begin else ""

    def _skip_braces(self) -> None:
        self._expect("{")
        depth = 1
        while depth:
            text = self._token().text
            plain(self._token())
            depth += (text == "{") - (text == "}")
            self._at += 1


def plain(token: Token) -> None:
    """Refuses what looks like an IRI and may be a comparison written without spaces, with brackets in it."""
    if token.kind == "iri" and ("(" in token.text or ")" in token.text):
        raise NotUnderstood(token.text)
