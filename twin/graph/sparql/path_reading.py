"""Reads property paths (SPARQL 1.1, section 9) from the tokens of a query."""

from __future__ import annotations

from twin.graph.sparql import tree
from twin.graph.sparql.terms import TermReader
from twin.vocab import RDF


class PathReader(TermReader):
    """A reader of terms that knows paths as well."""

    def _path(self) -> tree.Path:
        parts = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else tree.Alternative(tuple(parts))

    def _sequence(self) -> tree.Path:
        parts = [self._step()]
        while self._peek() == "/":
            self._at += 1
            parts.append(self._step())
        return parts[0] if len(parts) == 1 else tree.Sequence(tuple(parts))

    def _step(self) -> tree.Path:
        turned = self._peek() == "^"
        self._at += turned
        token = self._token()
        path: tree.Path
        if token.text == "(":
            self._at += 1
            path = self._path()
            self._expect(")")
        elif token.text == "!":
            path = self._negated()
        elif token.kind == "word" and token.text == "a":
            self._at += 1
            path = RDF.type
        else:
            path = self._iri()
        # A mark stands right behind its path: `:p ?x` has none.
        if self._peek() in ("*", "+", "?"):
            path = tree.Repeat(path, self._peek())
            self._at += 1
        return tree.Inverse(path) if turned else path

    def _negated(self) -> tree.Negated:
        self._at += 1
        if self._peek() != "(":
            turned = self._peek() == "^"
            self._at += turned
            return tree.Negated(f"!({'^' if turned else ''}{self._one_of_negated()})")
        self._at += 1
        inside = []
        while self._peek() != ")":
            token = self._token()
            if token.text in ("|", "^"):
                inside.append(token.text)
                self._at += 1
            else:
                inside.append(self._one_of_negated())
        self._at += 1
        return tree.Negated(f"!({''.join(inside)})")

    def _one_of_negated(self) -> str:
        if self._peek() == "a":
            self._at += 1
            return str(RDF.type)
        return str(self._iri())
