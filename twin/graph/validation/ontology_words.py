"""What an ontology's own shapes find, in the words of people: the same for every node that breaks the same rule."""

from __future__ import annotations

import re
from dataclasses import replace

from twin.graph.overlay import QuadView
from twin.graph.shacl.constraints import HasClass, Logical, MaxCount, MinCount, ShapeRef
from twin.graph.shacl.messages import said
from twin.graph.shacl.results import Result, violation_of
from twin.graph.shacl.shapes import Shapes
from twin.graph.violation import Violation
from twin.terms import NamedNode
from twin.vocab import BRICK, OWL, QUDT, RDF, RDFS, REC, UNIT, XSD

__all__ = ["is_spoken_by", "speaks", "violation_by_ontology"]

_DEPRECATED = re.compile(r"has type <?(?P<old>\S+?)>? which was deprecated in version (?P<version>\S+?)\. ")
_REPLACED = re.compile(r"also be of type <?(?P<new>\S+?)>?\.?(?:\s|$)")
_SHAPES = "https://brickschema.org/schema/BrickShape#"
_PREFIXES = {
    _SHAPES: "bsh:",
    **{str(namespace): f"{name}:" for name, namespace in
       (("brick", BRICK), ("rec", REC), ("qudt", QUDT), ("unit", UNIT), ("rdfs", RDFS), ("rdf", RDF), ("owl", OWL),
        ("xsd", XSD))},
}  # fmt: skip
_IRI = re.compile("|".join(re.escape(namespace) for namespace in sorted(_PREFIXES, key=len, reverse=True)))
_SPOKEN = (str(BRICK), str(REC))


def violation_by_ontology(result: Result, shapes: Shapes, view: QuadView, *, refuses: bool) -> Violation:
    """The violation that a result is.  It is a warning unless such violations refuse a change, and always when one of
    the nodes concerned is of no class of the ontology: what that is in another vocabulary, its shapes cannot know."""
    found = _worded(result, violation_of(result, "brick"), shapes)
    if found.severity == "violation" and not (refuses and _is_its_own(result, view)):
        return replace(found, severity="warning")
    return found


def speaks(predicate: NamedNode, value: object) -> bool:
    """Whether a statement is in the ontology's words: only of such its shapes have something to say."""
    return predicate.value.startswith(_SPOKEN) or (isinstance(value, NamedNode) and value.value.startswith(_SPOKEN))


def is_spoken_by(view: QuadView, node: NamedNode) -> bool:
    """Whether a node is of a class of the ontology, or of one below such a class."""
    ahead = [quad.object for quad in view.quads(node, RDF.type, None, None)]
    seen = set(ahead)
    while ahead:
        cls = ahead.pop()
        if not isinstance(cls, NamedNode):
            continue
        if cls.value.startswith(_SPOKEN):
            return True
        for quad in view.quads(cls, RDFS.subClassOf, None, None):
            if quad.object not in seen:
                seen.add(quad.object)
                ahead.append(quad.object)
    return False


def _is_its_own(result: Result, view: QuadView) -> bool:
    return all(is_spoken_by(view, node) for node in (result.focus, result.value) if isinstance(node, NamedNode))


def _worded(result: Result, found: Violation, shapes: Shapes) -> Violation:
    deprecated = _DEPRECATED.search(found.rule)
    if deprecated is not None:
        replaced = _REPLACED.search(found.rule)
        use = f"Use {replaced['new']} instead." if replaced else f"It was deprecated in {deprecated['version']}."
        return replace(found, value=deprecated["old"], rule="A class that is used is not deprecated.", remedy=use)
    rule = result.words or ("" if not result.shape.messages else found.rule)
    rule = rule.replace(found.focus, "the node") if rule else _demand(result, shapes)
    path = _short(found.path)
    if path and not result.shape.messages:
        rule = f"{path}: {rule[:1].lower()}{rule[1:]}"
    few = isinstance(result.constraint, MinCount | MaxCount)
    remedy = found.remedy or (
        "Add what is missing, or remove what is too much."
        if few
        else "Correct the value, or give it the class that the rule asks for."
    )
    return replace(found, rule=_sentence(_short(rule)), remedy=remedy)


def _demand(result: Result, shapes: Shapes) -> str:
    """What the constraint of a result demands, the shapes without a name that it refers to told by what they demand."""
    constraint = result.constraint
    if not isinstance(constraint, Logical):
        return said(constraint)
    words = said(constraint)
    for node in constraint.shapes:
        words = words.replace(node.value, _told(node, shapes))
    return words.replace("conforms to at least one of", "is")


def _told(node: ShapeRef, shapes: Shapes) -> str:
    shape = shapes.find(node)
    if shape is None or node.value.startswith(_SHAPES):
        return node.value
    classes = [each.cls.value for each in shape.constraints if isinstance(each, HasClass)]
    if classes and len(classes) == len(shape.constraints) and not shape.properties:
        return f"a {' and '.join(classes)}"
    parts = [said(each).removeprefix("Each value ").rstrip(".") for each in shape.constraints]
    return " and ".join(parts) or "as an unnamed shape says"


def _short(words: str) -> str:
    return _IRI.sub(lambda namespace: _PREFIXES[namespace[0]], words)


def _sentence(words: str) -> str:
    words = " ".join(words.split())
    return words if words.endswith((".", "!", "?")) else words + "."
