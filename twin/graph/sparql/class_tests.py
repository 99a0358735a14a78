"""Where the class tests of a basic graph pattern stand, and in which form.

Measured on a million triples: a test of few rows is a filter behind them (12 us a row); of many rows a set that is
hashed once (1.3 us an individual) and joined; and where no other pattern is as selective as a class, its individuals
come first and the rest is looked up for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from twin.graph.sparql import tree
from twin.graph.sparql.sizes import Link, Sizes, bound_ends
from twin.graph.sparql.terms import Fresh
from twin.terms import NamedNode
from twin.vocab import RDF

_ARMS = 64  # classes that are listed as alternatives; more are a table
_FEW = 500  # rows that are always tested one by one
_HASHED = 10  # how many individuals are hashed in the time that one row is tested
Item = tuple[tree.Element, Link]


@dataclass(slots=True)
class Tests:
    """The tests of one block: ``of`` a term being of a class, ``below`` a variable being a class below another."""

    sizes: Sizes
    fresh: Fresh
    exists: bool
    graph: tree.Term | None
    hurried: bool
    of: list[tuple[tree.Term, NamedNode]] = field(default_factory=list)
    below: list[tuple[tree.Variable, NamedNode]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.of or self.below)


def place_tests(
    items: Sequence[Item], tests: Tests, bound: frozenset[str], sure: frozenset[str]
) -> tuple[list[tree.Element], list[tree.Element]]:
    """The elements of a block with its tests, and the filters that are to stand at the end of its group.

    ``bound`` are the variables bound outside the group, ``sure`` those bound in it before the block.
    """
    if not tests:
        return [element for element, _ in items], []
    placed: list[tree.Element] = []
    filters: list[tree.Element] = [
        _is_a(term, cls, tests) for term, cls in tests.of if not isinstance(term, tree.Variable)
    ]
    for part in _connected(items, tests):
        elements, more = _place(part, tests, bound, sure)
        if placed and len(elements) > 1 and any(isinstance(element, tree.Nested) for element in elements):
            elements = [tree.Nested("", tree.Group(tuple(elements)))]
        placed += elements
        filters += more
    return placed, filters


@dataclass(slots=True)
class _Part:
    """Patterns that share variables, and the tests of these variables."""

    names: set[str]
    items: list[Item] = field(default_factory=list)
    of: list[tuple[tree.Variable, NamedNode]] = field(default_factory=list)
    below: list[tuple[tree.Variable, NamedNode]] = field(default_factory=list)


def _connected(items: Sequence[Item], tests: Tests) -> list[_Part]:
    parts: list[_Part] = []

    def part_of(names: frozenset[str]) -> _Part:
        touched = [part for part in parts if not part.names.isdisjoint(names)]
        whole = touched[0] if touched else _Part(set())
        for other in touched[1:]:
            whole.names |= other.names
            whole.items += other.items
            parts.remove(other)
        if not touched:
            parts.append(whole)
        whole.names |= names
        return whole

    for item in items:
        part_of(item[1].names() | frozenset(tree.variables(item[0]))).items.append(item)
    for term, cls in dict.fromkeys(tests.of):
        if isinstance(term, tree.Variable):
            part_of(frozenset((term.name,))).of.append((term, cls))
    for variable, cls in dict.fromkeys(tests.below):
        part_of(frozenset((variable.name,))).below.append((variable, cls))
    return parts


def _place(
    part: _Part, tests: Tests, bound: frozenset[str], sure: frozenset[str]
) -> tuple[list[tree.Element], list[tree.Element]]:
    plain = [element for element, _ in part.items]
    if not part.of and not part.below:
        return plain, []
    for variable, cls in part.of:
        if not tests.sizes.used(cls):
            return [_table(variable, ())], []  # nothing is of that class, so nothing has to be looked for
    typed = {link.object.name for _, link in part.items if link.is_type and isinstance(link.object, tree.Variable)}
    tables = {variable: _classes(variable, part, tests, typed) for variable, _ in part.below}
    if not part.items and not part.names <= sure:  # a filter needs its variable bound by the group itself
        return _alone(part, tests, tables, bound)
    if tests.exists:
        return _in_turn(part, tests, bound | sure), _are_in(tables)
    if not part.names.isdisjoint(bound | sure):
        return plain, [*(_is_a(*test, tests) for test in part.of), *_are_in(tables)]
    return _chosen(part, tests, tables, typed)


def _alone(
    part: _Part, tests: Tests, tables: dict[tree.Variable, list[NamedNode]], bound: frozenset[str]
) -> tuple[list[tree.Element], list[tree.Element]]:
    """Tests of a variable that no pattern of the block binds."""
    if not part.of:
        return [_table(variable, classes) for variable, classes in tables.items()], []
    first, *others = sorted(part.of, key=lambda test: tests.sizes.count(test[1]))
    correlated = tests.exists and first[0].name in bound
    start = _any_of(*first, tests) if correlated else [_individuals(*first, tests)]
    if tests.exists or tests.hurried:
        return start, [*(_is_a(*test, tests) for test in others), *_are_in(tables)]
    rows = tests.sizes.count(first[1])
    sets, filters = _beside(others, rows, tests)
    return [*start, *sets], [*filters, *_are_in(tables)]


def _chosen(
    part: _Part, tests: Tests, tables: dict[tree.Variable, list[NamedNode]], typed: set[str]
) -> tuple[list[tree.Element], list[tree.Element]]:
    """Patterns and tests that nothing else binds: what comes first is what has the fewest rows."""
    links = [link for _, link in part.items]
    anchor, size = _anchor(links, tests)
    if size > _FEW:
        starts: list[tuple[int, int, tree.Variable, NamedNode | None]] = [
            (tests.sizes.count(cls), 1, variable, cls) for variable, cls in part.of
        ]
        starts += [
            (tests.sizes.individuals(classes) if variable.name in typed else len(classes), 0, variable, None)
            for variable, classes in tables.items()
        ]
        count, _, variable, cls = min(starts, key=lambda start: start[:2])
        if count < size:
            return _class_first(part, tests, tables, count, variable, cls)
    rows = tests.sizes.rows([link for link in links if link is not anchor], anchor.names(), size)
    sets, filters = _beside(part.of, rows, tests)
    plain = [element for element, _ in part.items]
    return _with_sets(plain, sets, part, tests), [*filters, *_are_in(tables)]


def _anchor(links: Sequence[Link], tests: Tests) -> tuple[Link, float]:
    """The pattern with the fewest rows, and how many; whole predicates are counted only when no bound end is few."""
    bound = [link for link in links if len(link.names()) < 2]
    sizes = [(tests.sizes.start(link), at) for at, link in enumerate(bound)]
    if not sizes or min(sizes)[0] > _FEW:
        bound = list(links)
        sizes = [(tests.sizes.start(link), at) for at, link in enumerate(bound)]
    size, at = min(sizes)
    return bound[at], size


def _class_first(
    part: _Part,
    tests: Tests,
    tables: dict[tree.Variable, list[NamedNode]],
    count: int,
    variable: tree.Variable,
    cls: NamedNode | None,
) -> tuple[list[tree.Element], list[tree.Element]]:
    """The individuals of a class (None: the classes of a table), and the patterns for each of them."""
    links = [link for _, link in part.items]
    if cls is None:
        classes = tables.pop(variable)
        first: tree.Element = _table(variable, classes)
        typed = any(link.is_type and variable.name in link.names() for link in links)
        rows = tests.sizes.rows(links, (variable.name,), count if typed else len(classes))
    else:
        first = _individuals(variable, cls, tests)
        rows = tests.sizes.rows(links, (variable.name,), count)
    sets, filters = _beside([test for test in part.of if test != (variable, cls)], rows, tests)
    core = [first, tree.Nested("LATERAL", tree.Group(tuple(element for element, _ in part.items)))]
    return _with_sets(core, sets, part, tests), [*filters, *_are_in(tables)]


def _with_sets(core: list[tree.Element], sets: list[tree.Element], part: _Part, tests: Tests) -> list[tree.Element]:
    """A core joined with sets: each a subquery, so that they are hashed and not looked up row by row."""
    if not sets:
        return core
    names = sorted({name for element in core for name in tree.variables(element)} | set(_graph_name(tests)))
    projection = " ".join(f"?{name}" for name in names)
    return [tree.Select("SELECT", projection, "", tree.Group(tuple(core)), "", tuple(names)), *sets]


def _graph_name(tests: Tests) -> list[str]:
    # Inside GRAPH ?g a subquery without ?g would mean any graph.
    return [tests.graph.name] if isinstance(tests.graph, tree.Variable) else []


def _in_turn(part: _Part, tests: Tests, bound: frozenset[str]) -> list[tree.Element]:
    """Patterns and tests one for each row of the other, most bound first: within EXISTS nobody else orders them."""
    ahead = list(part.items)
    of = list(part.of)
    known = set(bound)
    steps: list[list[tree.Element]] = []
    while ahead or of:
        testable = [test for test in of if test[0].name in known] or ([] if ahead else of[:1])
        for test in testable:
            of.remove(test)
            steps.append(_any_of(*test, tests))
            known.add(test[0].name)
        if ahead and not testable:
            item = max(ahead, key=lambda item: bound_ends(item[1], known))
            ahead.remove(item)
            steps.append([item[0]])
            known |= set(tree.variables(item[0]))
    first, *others = steps
    return [*first, *(tree.Nested("LATERAL", tree.Group(tuple(step))) for step in others)]


def _beside(
    those: Iterable[tuple[tree.Variable, NamedNode]], rows: float, tests: Tests
) -> tuple[list[tree.Element], list[tree.Element]]:
    """Tests of so many rows: sets to join with, and filters."""
    sets: list[tree.Element] = []
    filters: list[tree.Element] = []
    for variable, cls in those:
        if tests.hurried or rows <= _FEW or rows * _HASHED <= tests.sizes.count(cls):
            filters.append(_is_a(variable, cls, tests))
        else:
            sets.append(_subquery(variable, tests.sizes.used(cls), tests))
    return sets, filters


# ---- forms


def _individuals(variable: tree.Variable, cls: NamedNode, tests: Tests) -> tree.Element:
    """The individuals of a class, each once."""
    used = tests.sizes.used(cls)
    if len(used) == 1:
        return tree.Triple(variable, RDF.type, used[0])
    if len(used) <= _ARMS and (tests.exists or tests.sizes.statistics.are_apart(used)):
        return tree.Union(tuple(tree.Group((tree.Triple(variable, RDF.type, one),)) for one in used))
    return _subquery(variable, used, tests)


def _subquery(variable: tree.Variable, classes: Sequence[NamedNode], tests: Tests) -> tree.Select:
    """A subquery is evaluated once and hashed, where a bare pattern would be looked up for each row."""
    names = [variable.name, *_graph_name(tests)]
    head = "SELECT" if tests.sizes.statistics.are_apart(classes) else "SELECT DISTINCT"
    if len(classes) == 1:
        group = tree.Group((tree.Triple(variable, RDF.type, classes[0]),))
    else:
        cls = tests.fresh.variable()
        group = tree.Group((_table(cls, classes), tree.Triple(variable, RDF.type, cls)))
    return tree.Select(head, " ".join(f"?{name}" for name in names), "", group, "", tuple(names))


def _is_a(term: tree.Term, cls: NamedNode, tests: Tests) -> tree.Filter:
    return tree.Filter(("EXISTS ", tree.Group(tuple(_any_of(term, cls, tests)))))


def _any_of(term: tree.Term, cls: NamedNode, tests: Tests) -> list[tree.Element]:
    """That a term is of a class, at least once."""
    used = tests.sizes.used(cls) or [cls]
    if len(used) == 1:
        return [tree.Triple(term, RDF.type, used[0])]
    stated = tests.fresh.variable()
    return [tree.Triple(term, RDF.type, stated), _is_in(stated, used)]


def _classes(variable: tree.Variable, part: _Part, tests: Tests, typed: set[str]) -> list[NamedNode]:
    """The classes that a variable may stand for: those below all that are asked for - only those that have individuals,
    when the variable is a class of one."""
    wanted = [tests.sizes.classes.below(cls) for one, cls in part.below if one == variable]
    below = sorted(frozenset.intersection(*wanted), key=lambda one: one.value)
    if variable.name in typed:
        below = [cls for cls in below if tests.sizes.statistics.has_instances(cls)]
    return below


def _are_in(tables: dict[tree.Variable, list[NamedNode]]) -> list[tree.Element]:
    return [_is_in(variable, classes) for variable, classes in tables.items()]


def _is_in(variable: tree.Variable, classes: Sequence[NamedNode]) -> tree.Filter:
    return tree.Filter((f"({variable} IN ({', '.join(str(cls) for cls in classes)}))",))


def _table(variable: tree.Variable, classes: Sequence[NamedNode]) -> tree.Values:
    listed = " ".join(str(cls) for cls in classes)
    return tree.Values(f"VALUES {variable} {{ {listed} }}", (variable.name,), frozenset((variable.name,)))
