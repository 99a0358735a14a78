"""Twelve questions of an analyst to the Brick model of these benchmarks: naive, and by hand as well as can be.

``naive`` is what a person writes who knows Brick and not this server: the class alone, ``rdfs:subClassOf*``, and the
predicate that reads best, whether it is the stated one or its inverse.  ``by_hand`` are formulations over what is
stated by somebody who knows the model, the classes in use and the optimiser; the fastest of them is the measure.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIXES = """\
PREFIX brick: <https://brickschema.org/schema/Brick#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX : <urn:bench:tower:>
"""
_TEMPERATURES = "brick:Zone_Air_Temperature_Sensor, brick:Supply_Air_Temperature_Sensor"
_SENSORS = f"{_TEMPERATURES}, brick:Supply_Air_Flow_Sensor, brick:Damper_Position_Sensor, brick:Valve_Position_Sensor"
_SETPOINTS = "brick:Zone_Air_Temperature_Setpoint, brick:Supply_Air_Flow_Setpoint"
_POINTS = f"{_SENSORS}, {_SETPOINTS}, brick:Damper_Position_Command"


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its name, the naive text, and the texts by hand, all with the same rows."""

    name: str
    naive: str
    by_hand: tuple[str, ...]


def _table(variable: str, classes: str) -> str:
    return f"VALUES {variable} {{ {classes.replace(',', '')} }}"


def _arms(variable: str, classes: str) -> str:
    return " UNION ".join(f"{{ {variable} a {cls.strip()} }}" for cls in classes.split(","))


QUESTIONS = (
    Question(
        "count_a_class",
        "SELECT (COUNT(?s) AS ?n) { ?s a brick:Temperature_Sensor }",
        (
            f"SELECT (COUNT(?s) AS ?n) {{ {_table('?c', _TEMPERATURES)} ?s a ?c }}",
            f"SELECT (COUNT(?s) AS ?n) {{ {_arms('?s', _TEMPERATURES)} }}",
        ),
    ),
    Question(
        "count_a_large_class",
        "SELECT (COUNT(?s) AS ?n) { ?s a/rdfs:subClassOf* brick:Point }",
        (
            f"SELECT (COUNT(?s) AS ?n) {{ {_table('?c', _POINTS)} ?s a ?c }}",
            f"SELECT (COUNT(?s) AS ?n) {{ {_arms('?s', _POINTS)} }}",
        ),
    ),
    Question(
        "sensors_behind_an_air_handler",
        "SELECT ?p { ?p a/rdfs:subClassOf* brick:Temperature_Sensor . :ahu-7 brick:feeds+/brick:hasPoint ?p }",
        (
            f"SELECT ?p {{ :ahu-7 brick:feeds+/brick:hasPoint ?p . ?p a ?c FILTER(?c IN ({_TEMPERATURES})) }}",
            f"SELECT ?p {{ :ahu-7 brick:feeds+/brick:hasPoint ?p "
            f"FILTER EXISTS {{ ?p a ?c FILTER(?c IN ({_TEMPERATURES})) }} }}",
        ),
    ),
    Question(
        "fed_by_an_air_handler",
        "SELECT ?v { ?v brick:isFedBy :ahu-7 ; a brick:Terminal_Unit }",
        (
            "SELECT ?v { :ahu-7 brick:feeds ?v . ?v a brick:VAV }",
            "SELECT ?v { :ahu-7 brick:feeds ?v FILTER EXISTS { ?v a brick:VAV } }",
        ),
    ),
    Question(
        "upstream_of_a_room",
        "SELECT ?e { :room-7-3 brick:isFedBy+ ?e . ?e a brick:HVAC_Equipment }",
        (
            "SELECT ?e { ?e brick:feeds+ :room-7-3 . ?e a ?c FILTER(?c IN (brick:VAV, brick:Air_Handling_Unit)) }",
            "SELECT ?e { ?e brick:feeds+ :room-7-3 "
            "FILTER EXISTS { ?e a ?c FILTER(?c IN (brick:VAV, brick:Air_Handling_Unit)) } }",
        ),
    ),
    Question(
        "setpoints_of_a_box",
        "SELECT ?p ?l { ?p a/rdfs:subClassOf* brick:Setpoint ; brick:isPointOf :vav-7-3 ; rdfs:label ?l }",
        (f"SELECT ?p ?l {{ :vav-7-3 brick:hasPoint ?p . ?p rdfs:label ?l ; a ?c FILTER(?c IN ({_SETPOINTS})) }}",),
    ),
    Question(
        "sensors_of_a_floor",
        "SELECT ?p { ?p a ?c . ?c rdfs:subClassOf* brick:Sensor . ?room brick:isPartOf :floor-7 . "
        "?room brick:isLocationOf ?box . ?box brick:hasPoint ?p }",
        (
            "SELECT ?p { ?room brick:isPartOf :floor-7 . ?box brick:hasLocation ?room ; brick:hasPoint ?p . "
            f"?p a ?c FILTER(?c IN ({_SENSORS})) }}",
        ),
    ),
    Question(
        "equipment_by_class",
        "SELECT ?c (COUNT(?x) AS ?n) { ?x a ?c . ?c rdfs:subClassOf* brick:HVAC_Equipment } GROUP BY ?c",
        ("SELECT ?c (COUNT(?x) AS ?n) { VALUES ?c { brick:VAV brick:Air_Handling_Unit } ?x a ?c } GROUP BY ?c",),
    ),
    Question(
        "rooms_of_each_floor",
        "SELECT ?f (COUNT(?r) AS ?n) { ?f a brick:Storey ; brick:hasPart ?r . ?r a brick:Room } GROUP BY ?f",
        (
            "SELECT ?f (COUNT(?r) AS ?n) { ?f a brick:Floor . ?r brick:isPartOf ?f ; a brick:Room } GROUP BY ?f",
            "SELECT ?f (COUNT(?r) AS ?n) { ?r brick:isPartOf ?f . { SELECT ?f { ?f a brick:Floor } } "
            "{ SELECT ?r { ?r a brick:Room } } } GROUP BY ?f",
        ),
    ),
    Question(
        "temperatures_of_each_air_handler",
        "SELECT ?ahu (COUNT(?p) AS ?n) { ?ahu a brick:AHU ; brick:feeds ?box . ?box a brick:Terminal_Unit ; "
        "brick:hasPoint ?p . ?p a brick:Temperature_Sensor } GROUP BY ?ahu",
        (
            "SELECT ?ahu (COUNT(?p) AS ?n) { ?ahu a brick:Air_Handling_Unit ; brick:feeds ?box . ?box a brick:VAV ; "
            f"brick:hasPoint ?p . ?p a ?c FILTER(?c IN ({_TEMPERATURES})) }} GROUP BY ?ahu",
            "SELECT ?ahu (COUNT(?p) AS ?n) { { SELECT ?ahu { ?ahu a brick:Air_Handling_Unit } } "
            "{ SELECT ?box { ?box a brick:VAV } } ?ahu brick:feeds ?box . ?box brick:hasPoint ?p . "
            f"{{ SELECT ?p {{ {_table('?c', _TEMPERATURES)} ?p a ?c }} }} }} GROUP BY ?ahu",
        ),
    ),
    Question(
        "air_handlers_without_a_class_of_box",
        "SELECT (COUNT(?a) AS ?n) { ?a a brick:AHU FILTER NOT EXISTS { ?a brick:feeds ?b . ?b a brick:CAV } }",
        (
            "SELECT (COUNT(?a) AS ?n) { ?a a brick:Air_Handling_Unit "
            "FILTER NOT EXISTS { ?a brick:feeds ?b FILTER EXISTS { ?b a brick:CAV } } }",
            "SELECT (COUNT(?a) AS ?n) { ?a a brick:Air_Handling_Unit "
            "MINUS { ?a brick:feeds ?b . ?b a brick:Constant_Air_Volume_Box } }",
        ),
    ),
    Question(
        "optional_setpoints",
        "SELECT ?v ?p { ?v brick:isFedBy :ahu-7 OPTIONAL { ?p brick:isPointOf ?v ; a brick:Setpoint } }",
        (
            "SELECT ?v ?p { :ahu-7 brick:feeds ?v OPTIONAL { ?v brick:hasPoint ?p . ?p a ?c "
            f"FILTER(?c IN ({_SETPOINTS})) }} }}",
            "SELECT ?v ?p { :ahu-7 brick:feeds ?v OPTIONAL { ?v brick:hasPoint ?p "
            f"FILTER EXISTS {{ ?p a ?c FILTER(?c IN ({_SETPOINTS})) }} }} }}",
        ),
    ),
)
