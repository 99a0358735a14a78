"""What the surfaces need of the server: one value, put together by the application and read by every route."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from twin.api.openmetrics import Measure
from twin.bindings.supervisor import Supervisor
from twin.bus import Topic
from twin.clock import Clock
from twin.contracts import GraphStore, History
from twin.flows.actuate import Actuator
from twin.flows.alerting import Alerting
from twin.flows.backups import Backups
from twin.flows.contract_states import Contracts
from twin.flows.imports import Importer
from twin.flows.ingest import Ingest
from twin.flows.past_capabilities import PastCapabilities
from twin.flows.past_violations import PastViolations
from twin.flows.predict import Predictor
from twin.flows.rebind import Rebinding
from twin.flows.repairs import Repairing
from twin.flows.reprocessing import Reprocessing
from twin.flows.revalidation import Revalidation
from twin.flows.spooling import SpooledHistory
from twin.graph.change import ChangeDoor
from twin.graph.past.pinned import Past, Pasts
from twin.graph.readers.service import SparqlService
from twin.graph.twins.checks import StatedChecks
from twin.graph.twins.reader import TwinReader
from twin.graph.twins.records import PropertyRecord
from twin.graph.validation.violations import ViolationStore
from twin.jobs import Jobs
from twin.lineage.keeping import RawKeeping
from twin.observation import ObservationBatch
from twin.scope import LOCAL, Principal
from twin.settings import Settings
from twin.telemetry.latest import LatestTable
from twin.telemetry.outages import Outages
from twin.tracing import OFF, Tracing


def everyone_is_local(_connection: HTTPConnection) -> Principal:
    """The principal of a server that listens on loopback only."""
    return LOCAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of a running server that its surfaces read and call.

    In those of a past, ``store`` and ``twins`` answer as of ``past``.  ``principal_of`` says who asks; ``readiness``
    gives the reason why the server is not ready yet (empty: it is);
    ``checks`` says what a property's values are held against; ``measures`` adds figures to ``/metrics``.
    """

    clock: Clock
    store: GraphStore
    door: ChangeDoor
    twins: TwinReader
    violations: ViolationStore
    validation: Revalidation
    latest: LatestTable
    history: History
    observations: Topic[ObservationBatch]
    ingest: Ingest
    supervisor: Supervisor
    actuator: Actuator
    rebinding: Rebinding
    predictor: Predictor
    importer: Importer
    jobs: Jobs
    keeping: RawKeeping | None = None
    reprocessing: Reprocessing | None = None
    tracing: Tracing = OFF
    checks: Callable[[PropertyRecord], StatedChecks] | None = None
    repairing: Repairing | None = None
    backups: Backups | None = None
    spooled: SpooledHistory | None = None
    alerting: Alerting | None = None
    contracts: Contracts | None = None
    sparql: SparqlService | None = None
    pasts: Pasts | None = None
    past: Past | None = None
    outages: Outages | None = None
    past_violations: PastViolations | None = None
    past_capabilities: PastCapabilities | None = None
    settings: Settings = field(default_factory=Settings)
    principal_of: Callable[[HTTPConnection], Principal] = everyone_is_local
    readiness: Callable[[], str] = str
    measures: Callable[[], Sequence[Measure]] = tuple
