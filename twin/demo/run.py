"""``twin demo``: a living building from one command - devices, model, bindings, predictions, every surface."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from twin.app import Application
from twin.clock import NANOSECONDS
from twin.contracts import Delta
from twin.demo import building
from twin.demo.past import EVERY, HOURS, fill_history
from twin.demo.simulator import Endpoints, Simulator
from twin.flows.imports import Source
from twin.running import Place, claimed, configured, serve_claimed
from twin.serving import run, stopping_on_signals
from twin.settings import Settings
from twin.terms import Quad, RdfFormat, parse
from twin.vocab import bindings_graph

SITE = "office"
MODEL = Path(__file__).parent / "models" / "air-handler-anomaly.onnx"
_FIRST_VALUE_TIMEOUT = 30.0


def run_demo(
    data: Path | None, config: Path | None, host: str | None, port: int | None, faults: tuple[str, ...]
) -> None:
    """Runs the demo until SIGINT or SIGTERM; without ``data`` its state goes with it."""
    settings = configured(config, host, port)
    run(_demo(data, settings, faults))


async def _demo(data: Path | None, settings: Settings, faults: tuple[str, ...]) -> None:
    started = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"[{time.monotonic() - started:5.1f} s] {text}")

    stop = asyncio.Event()
    with stopping_on_signals(stop), contextlib.ExitStack() as kept:  # from now on all is ended with the server
        if data is None:
            data = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="twin-demo-"))) / "data"
        # Taken before anything is started, so that whoever has one of them is told at once.
        place = kept.enter_context(claimed(data, settings))
        say(f"Starting the devices of two vendors; data in {data}")
        await _run(place, settings, faults, say, stop)
    say("Stopped.")


async def _run(
    place: Place, settings: Settings, faults: tuple[str, ...], say: Callable[[str], None], stop: asyncio.Event
) -> None:
    async with Simulator("office") as simulator:

        async def furnish(app: Application) -> None:
            say(f"Graph open at revision {app.core.door.revision}; moving the building in")
            fresh = await move_in(app, await simulator.endpoints())
            twins, properties = app.counts()
            say(f"{twins} twins and {properties} properties are modelled, validated and bound")
            await app.connect()
            await first_value(app)
            say("First live value")
            await app.predictor.attach(MODEL, "demo")
            for fault in faults:
                await simulator.tell(do="fault", name=fault, on=True)
                say(f"Fault switched on: {fault}")
            surfaces(app.url)
            if fresh:
                looking_back.append(asyncio.create_task(look_back(app)))

        async def look_back(app: Application) -> None:
            end = app.clock.now() - int(EVERY * NANOSECONDS)
            past = await simulator.tell(do="past", hours=HOURS, every=EVERY)
            count = await fill_history(past["past"], f"urn:twin:{SITE}:", app.core.twins, app.history, end)
            say(f"The day before is in the history: {count} observations, marked as substituted")

        looking_back: list[asyncio.Task[None]] = []
        try:
            await serve_claimed(place, settings, furnish, stop)
        finally:
            for task in looking_back:
                task.cancel()
            for failure in await asyncio.gather(*looking_back, return_exceptions=True):
                if isinstance(failure, Exception):
                    say(f"The day before could not be shown: {failure}")


async def move_in(app: Application, endpoints: Endpoints) -> bool:
    """Imports the building on first start (and says so), and points its connections at where the devices answer."""
    door = app.core.door
    fresh = SITE not in app.core.twins.sites(app.scope)
    if fresh:
        wiring = building.bindings(endpoints.mqtt, endpoints.opcua)
        sources = [*(Source.of(path) for path in building.model_files()), Source("bindings.ttl", wiring.encode())]
        await app.core.importer.import_sources(sources, SITE, "demo", conforming=True)
    else:
        wanted = {quad for quad in _wiring(endpoints) if quad.predicate.value.endswith("#endpoint")}
        graph = bindings_graph(SITE)
        stale = [
            quad
            for new in wanted
            for quad in door.store.quads(new.subject, new.predicate, None, graph)  # type: ignore[arg-type]  # IRIs here
            if quad not in wanted
        ]
        delta = Delta(tuple(stale), tuple(wanted))
        await door.commit(delta, actor="demo", reason="the devices answer at new addresses")
    return fresh


def _wiring(endpoints: Endpoints) -> tuple[Quad, ...]:
    text = building.bindings(endpoints.mqtt, endpoints.opcua)
    graph = bindings_graph(SITE)
    return tuple(
        Quad(quad.subject, quad.predicate, quad.object, graph) for quad in parse(text, format=RdfFormat.TURTLE)
    )


async def first_value(app: Application) -> None:
    """Returns when one observation has been shown (or after half a minute without)."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_VALUE_TIMEOUT), app.observations.subscribe(1) as observations:
            async for _ in observations:
                return


def surfaces(url: str) -> None:
    """Prints the address of every surface."""
    for name, path in (
        ("Explorer", ""),
        ("GraphQL", "graphql"),
        ("SPARQL", "sparql"),
        ("Metrics", "metrics"),
        ("Ready", "readyz"),
    ):
        click.echo(f"  {name:<9} {url}{path}")
    click.echo("  Stop with Ctrl-C.")
