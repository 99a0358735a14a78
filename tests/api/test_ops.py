"""Alive, ready, and figures."""

from __future__ import annotations

import re

from tests.api.server import BROKER, SAT, VIEWER, Server, start
from twin.api.graphql import schema_hash
from twin.api.openmetrics import Buckets, Measure, exposition

SAMPLE = re.compile(
    r'[a-z_]+(\{([a-z_]+="([^"\\\n]|\\\\|\\"|\\n)*"(,(?=[a-z]))?)+\})? -?(\d+(\.\d+)?(e[-+]?\d+)?|NaN|\+Inf)'
)


async def test_ready_tells_the_revision_and_the_schema(server: Server) -> None:
    async with server.client() as client:
        response = await client.get("/readyz")
    assert response.status_code == 200
    body = response.json()
    assert (body["ready"], body["revision"], body["schema"]) == (True, "000000000003", schema_hash())


async def test_not_ready_says_why() -> None:
    server = await start(readiness=lambda: "The graph is being replayed.")
    async with server.client() as client:
        response = await client.get("/readyz")
        alive = await client.get("/livez")
    assert (response.status_code, response.json()["reason"]) == (503, "The graph is being replayed.")
    assert alive.status_code == 200


async def test_the_figures_are_open_metrics_text(server: Server) -> None:
    await server.observe((SAT, 20.0))
    async with server.client() as client:
        response = await client.get("/metrics")
    assert response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    lines = response.text.split("\n")
    assert lines[-2:] == ["# EOF", ""]
    families: list[str] = []
    for line in lines[:-2]:
        if line.startswith("# TYPE "):
            families.append(line.split(" ")[2])
        elif not line.startswith("# HELP "):
            assert SAMPLE.fullmatch(line), line
            assert line.startswith(families[-1])  # the samples of a family stand together
    assert len(families) == len(set(families))
    for expected in (
        "twin_graph_revision 3", 'twin_properties{state="live"} 1', 'twin_properties{state="unbound"} 4',
        'twin_stage_rows_total{stage="commit"} 1', 'twin_stage_seconds_bucket{stage="check",le="+Inf"} 1',
        'twin_stage_seconds_count{stage="latest"} 1', "twin_ingest_batches_total 1",
        "twin_ingest_observations_total 1", 'twin_subscribers{topic="changes"} 0',
        f'twin_connection_received_total{{connection="{BROKER}",name="Vendor A"}} 7', 'twin_violations{site="hq"} 0',
    ):  # fmt: skip
        assert expected in lines


async def test_a_viewer_is_not_told_of_connections(server: Server) -> None:
    server.principal[0] = VIEWER
    async with server.client() as client:
        response = await client.get("/metrics")
    assert "twin_connection" not in response.text


async def test_other_parts_add_their_figures() -> None:
    server = await start(measures=lambda: [Measure("twin_predictions", "counter", "Predictions made.", 5)])
    async with server.client() as client:
        assert "\ntwin_predictions_total 5\n" in (await client.get("/metrics")).text


def test_a_histogram_is_cumulated_and_has_its_count_and_sum() -> None:
    measure = Measure("a_seconds", "histogram", "A.", 0, {"x": "y"}, Buckets((0.1, 1.0), (2, 0, 1), 3.5))
    assert exposition([measure]).splitlines()[2:-1] == [
        'a_seconds_bucket{x="y",le="0.1"} 2',
        'a_seconds_bucket{x="y",le="1"} 2',
        'a_seconds_bucket{x="y",le="+Inf"} 3',
        'a_seconds_count{x="y"} 3',
        'a_seconds_sum{x="y"} 3.5',
    ]


def test_labels_and_numbers_are_written_as_the_format_asks() -> None:
    text = exposition(
        [
            Measure("a", "gauge", "Two\nlines.", 0.25, {"x": 'quote " back \\ line\n'}),
            Measure("b", "counter", "B.", 1e300),
            Measure("a", "gauge", "", float("nan"), {"x": "2"}),
            Measure("c", "info", "C.", 1, {"version": "1"}),
        ]
    )
    assert text == (
        '# TYPE a gauge\n# HELP a Two\\nlines.\na{x="quote \\" back \\\\ line\\n"} 0.25\na{x="2"} NaN\n'
        f"# TYPE b counter\n# HELP b B.\nb_total {int(1e300)}\n"
        '# TYPE c info\n# HELP c C.\nc_info{version="1"} 1\n# EOF\n'
    )
