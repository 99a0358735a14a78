from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import InvalidInput
from twin.graph.sparql.gate import Limits, QueryTooLarge, examine, examined
from twin.graph.sparql.glance import form_at_a_glance

SMALL = Limits(text_bytes=1000, nesting=5, operators=10)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("SELECT * { ?a ?b ?c }", "SELECT"),
        ("ask {}", "ASK"),
        ("PREFIX a: <urn:a#> BASE <http://x/> # INSERT\n CONSTRUCT WHERE { ?a a:b 'DELETE' }", "CONSTRUCT"),
        ("prefix select: <urn:x>\nDescribe select:a", "DESCRIBE"),
    ],
)
def test_the_form_of_a_query_is_known_without_parsing_it(text: str, form: str) -> None:
    assert examine(text).form == form


@pytest.mark.parametrize("text", ["", "  # nothing\n", "PREFIX a: <urn:a>"])
def test_an_empty_query_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        examine(text)


def test_something_else_is_refused_by_its_first_word() -> None:
    with pytest.raises(InvalidInput, match="not with 'MATCH'"):
        examine("MATCH (n) RETURN n")


@pytest.mark.parametrize(
    "text",
    ["INSERT DATA { <urn:a> <urn:b> 1 }", "PREFIX a: <urn:a> delete where { ?s ?p ?o }", "LOAD <http://example.com/>"],
)
def test_an_update_is_sent_elsewhere(text: str) -> None:
    with pytest.raises(InvalidInput, match="answers queries only") as refusal:
        examine(text)
    assert "/sparql/update" in refusal.value.remedy


CALLS_OUT = [
    "SELECT * { sErViCe <http://127.0.0.1:9/> { ?s ?p ?o } }",
    "SELECT * {\n# comment\rSERVICE SILENT <http://127.0.0.1:9/> { ?s ?p ?o } }",
    "PREFIX : <http://127.0.0.1:9/> SELECT * { SERVICE:a { ?s ?p ?o } }",
    "PREFIX : <http://127.0.0.1:9/> SELECT * { SERVICESILENT:a { ?s ?p ?o } }",
    "SELECT * { SERVICESILENT<http://127.0.0.1:9/> { ?s ?p ?o } }",
    "SELECT * { ?a ?b trueSERVICE<http://127.0.0.1:9/> { ?s ?p ?o } }",
    "SELECT * { VALUES ?x { <http://127.0.0.1:9/> } SERVICE?x{ ?s ?p ?o } }",
    # What hides it is a text or an IRI to one reader and not to the other.
    "SELECT * { VALUES ?x { '''a' } SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
    "SELECT * { ?a ?b ?c FILTER(?a<'>') SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } FILTER(?a<'>') } #'",
    'SELECT * { ?a ?b ?c FILTER(?a<#>"""\n?b) SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } } #"""',
]


@pytest.mark.parametrize("text", CALLS_OUT)
def test_a_query_that_would_leave_the_server_is_refused_however_it_is_written(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"SERVICE at|does not end|in two ways"):
        examine(text)


def test_the_word_service_is_welcome_where_it_is_no_keyword() -> None:
    examine(
        "PREFIX ex: <urn:x> SELECT ?service { ?service ex:service 'SERVICE <x>' . <urn:SERVICE> a ex:Service } "
        "# SERVICE"
    )


@pytest.mark.parametrize("text", ["'open", '"open', "'''open'", '"""open', "'open\n'"])
def test_a_text_that_does_not_end_is_refused_where_it_begins(text: str) -> None:
    with pytest.raises(InvalidInput, match="begins at line 2, column 9 does not end"):
        examine("SELECT *\n{ ?s ?p " + text)


def test_a_text_that_is_too_long_is_refused_with_both_figures() -> None:
    with pytest.raises(QueryTooLarge, match=r"1,002 bytes long; at most 1,000"):
        examine("ASK { }" + "\u00e9" * 497 + " ", SMALL)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        examine("ASK { ?s ?p '\ud800' }")


@pytest.mark.parametrize(("opening", "closing"), [("{", "}"), ("(", ")"), ("[", "]"), ("<<", ">>"), ("({[", "]})")])
def test_brackets_of_every_kind_may_not_nest_too_deeply(opening: str, closing: str) -> None:
    with pytest.raises(InvalidInput, match="deeper than 64"):
        examine("SELECT * " + opening * 5000 + closing * 5000)
    examine("SELECT * " + (opening + closing) * 200)


def test_brackets_inside_texts_iris_and_comments_do_not_nest() -> None:
    examine('SELECT * { ?s ?p \'{{{{{{{{\', """(("((((((""", <urn:x(> } # {{{{{{{{{{', SMALL)


@pytest.mark.parametrize(
    "piece",
    [" UNION { ?a ?b ?c }", " OPTIONAL { }", " ?a ?b ?c . ", "; ?b ?c", ", 1", " MINUS { }", " BIND(1 AS ?x)"],
)
def test_too_many_operators_are_refused(piece: str) -> None:
    with pytest.raises(InvalidInput, match="more than 500 operators"):
        examine("SELECT * { ?a ?b ?c " + piece * 501 + "}")


@pytest.mark.parametrize("expression", ["!" * 501 + "true", "1" + " + 1" * 501, "?a<" + "!" * 501 + "?b||?c>?d"])
def test_too_many_operators_in_an_expression_are_refused(expression: str) -> None:
    with pytest.raises(InvalidInput, match="more than 500 operators"):
        examine("SELECT * { FILTER(" + expression + ") }")


@pytest.mark.parametrize("path", ["/<urn:p>", "|<urn:p>", "/^<urn:p>", "/<urn:p>?"])
def test_too_long_a_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="more than 500 operators"):
        examine("SELECT * { ?a <urn:p>" + path * 501 + " ?b }")


def test_long_lists_of_values_are_welcome() -> None:
    terms = [f"<urn:twin:office:property-{number}>" for number in range(1000)]
    examine(f"SELECT * {{ ?s ?p ?o FILTER(?s IN ({', '.join(terms)})) VALUES ?p {{ {' '.join(terms[:500])} }} }}")


def test_the_graphs_it_names_are_found() -> None:
    question = examine(
        "PREFIX g: <urn:twin:site:> "
        "SELECT * FROM <urn:x> FROM g:office FROM NAMED <urn:y> FROM NAMED g:a\\/b { ?s ?p ?from }"
    )
    assert question.default_graphs == ("urn:x", "urn:twin:site:office")
    assert question.named_graphs == ("urn:y", "urn:twin:site:a/b")


@pytest.mark.parametrize("graph", ["<relative>", "nobody:knows"])
def test_a_graph_that_has_no_absolute_name_is_refused(graph: str) -> None:
    with pytest.raises(InvalidInput, match="absolute IRI"):
        examine(" ".join(("SELECT * FROM", graph, "{ ?s ?p ?o }")))


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("SELECT (live:value(?p) AS ?v) { ?p a ?c }", True),
        ("PREFIX now: <urn:twin:live:> SELECT (now:value(?p) AS ?v) { ?p a ?c }", True),
        ("SELECT (<urn:twin:live:value>(?p) AS ?v) { ?p a ?c }", True),
        ("PREFIX live: <urn:mine:> SELECT (live:value(?p) AS ?v) { ?p a ?c }", False),
        ("SELECT * { ?p a 'live:value' } # live:value", False),
    ],
)
def test_a_query_that_needs_live_values_is_recognised(text: str, live: bool) -> None:
    assert examine(text).live is live


@given(st.text(alphabet="{}()[]<>\"'\\?$:;,.#@!|/^*+-=&_ \nabSELECTFROM01", max_size=300))
def test_any_text_is_either_a_question_or_refused_in_words(text: str) -> None:
    refusal = None
    try:
        question = examine(text)
    except InvalidInput as error:
        refusal = error
    assert question.text == text if refusal is None else refusal.message and refusal.remedy


_PIECES = ["SELECT", "ask", "PREFIX a: <urn:a#>", "prefix : <urn:>", "<urn:x>", "<urn:it's>", "<urn:a(b!>", "<#>", "''"]
_PIECES += ["'x'", '"y"', '"""z"""', "'", '"', "{", "}", "(", ")", "[", "FROM", "live:value", "SERVICE", "# c\n", "\n"]
_PIECES += [
    "<",
    "<=",
    "<<",
    ">",
    "?a<",
    "?b>?c",
    "\\",
    "\u00e9",
    "a",
    "a:b",
    ";",
    ".",
    ",",
    "@en",
    "^^",
    "!",
    "1.5",
    "*",
    "-",
]
_FEW = Limits(text_bytes=90, nesting=3, operators=80)


@given(
    st.lists(st.sampled_from(_PIECES), max_size=25), st.sampled_from(["", " "]), st.sampled_from(["", "SELECT * { "])
)
def test_what_passes_at_a_glance_passes_word_by_word_with_the_same_answer(
    pieces: list[str], between: str, begin: str
) -> None:
    text = begin + between.join(pieces)
    form = form_at_a_glance(text, _FEW.text_bytes, _FEW.nesting, _FEW.operators)
    if form is not None:
        known = examined(text, _FEW)
        assert known == examine(text, _FEW)
        assert (known.form, known.default_graphs, known.named_graphs, known.live) == (form, (), (), False)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ?name WHERE { <urn:x> rdfs:label ?name FILTER(?name != '1') }",
        'PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> ASK { ?a rdfs:label "b"@en FILTER(?n < 3 && ?n >= 1) }',
    ],
)
def test_a_plain_query_passes_at_a_glance(text: str) -> None:
    assert form_at_a_glance(text, 65_536, 64, 500) == examine(text).form
