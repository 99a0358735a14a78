"""Decoding again over GraphQL, and the rejected payloads beside their connection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.api.kept import kept
from tests.api.server import BROKER, SAT, VIEWER
from tests.bindings.fake import CONNECTORS
from twin.bindings.plan import BoundProperty, ConnectionPlan
from twin.contracts import Rejected
from twin.flows.reprocessing import Reprocessing

REJECTED = """query($before: ID) { connection(id: "urn:twin:hq:broker") { rejectedPayloads(first: 2, before: $before) {
  total bytes hasNext newest items { id address reason text base64 bytes cut receivedTime } } } }"""
AGAIN = """mutation($connection: ID!, $dryRun: Boolean) { reprocess(connection: $connection, dryRun: $dryRun) {
  job message dryRun payloads values new rescued replaced rejected reasons { reason count }
  byProperty { property new } differences { property before after } } }"""


async def test_rejected_payloads_stand_beside_their_connection_and_are_decoded_again(tmp_path: Path) -> None:
    async with kept(tmp_path) as (server, keeping):
        now = server.clock.now()
        bad = [Rejected("acme/ahu", b'{"sat": %d}' % n, now + n, "path t is missing") for n in range(3)]
        await keeping.reject(BROKER, [*bad, Rejected("acme/ahu", b"\xff\xfe", now + 3, "no JSON")])
        server.clock.advance(1)

        page = (await server.data(REJECTED))["connection"]["rejectedPayloads"]
        assert (page["total"], page["hasNext"]) == (4, True)
        assert [(each["text"], each["reason"]) for each in page["items"]] == [
            (None, "no JSON"),
            ('{"sat": 2}', "path t is missing"),
        ]
        following = (await server.data(REJECTED, before=page["items"][-1]["id"]))["connection"]["rejectedPayloads"]
        assert ([each["text"] for each in following["items"]], following["hasNext"]) == (
            ['{"sat": 1}', '{"sat": 0}'],
            False,
        )

        async with server.client() as client:
            rest = (await client.get(f"/api/v1/connections/{BROKER}/rejected", params={"limit": 1})).json()
            assert (rest["total"], rest["items"][0]["reason"]) == (4, "no JSON")
            unknown = await client.get("/api/v1/connections/urn:nobody/rejected")
            assert unknown.status_code == 404

        row = BoundProperty(SAT, server.series(SAT), f"{SAT}#binding", "acme/ahu", path="sat")
        plan = ConnectionPlan(BROKER, "Vendor A", "fake", "fake://a", {}, (row,))
        server.services = replace(
            server.services,
            reprocessing=Reprocessing(
                lambda: [plan], lambda: 3, CONNECTORS, keeping, server.services.history, server.latest, server.clock
            ),
        )
        tried = (await server.data(AGAIN, connection=BROKER))["reprocess"]
        assert (tried["dryRun"], tried["rescued"], tried["new"], tried["replaced"]) == (True, 3, 3, 0)
        assert tried["reasons"] == [{"reason": "no JSON", "count": 1}]
        assert tried["byProperty"] == [{"property": SAT, "new": 3}]
        assert tried["differences"][0] == {"property": SAT, "before": None, "after": 0.0}
        done = (await server.data(AGAIN, connection=BROKER, dryRun=False))["reprocess"]
        assert (done["rescued"], done["replaced"]) == (3, 3)
        assert (await server.data(REJECTED))["connection"]["rejectedPayloads"]["total"] == 1
        assert server.services.jobs.find(done["job"]).state == "done"

        assert (await server.error(AGAIN, connection="urn:nobody"))["extensions"]["code"] == "not-found"
        server.principal[0] = VIEWER
        assert (await server.error(AGAIN, connection=BROKER))["extensions"]["code"] == "forbidden"
