"""What can be done: commands, vendor swaps, changes of the graph, and taking them back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import strawberry

from twin.api.graphql.alerts import AlertMutations
from twin.api.graphql.changes import asserted
from twin.api.graphql.commands import Command, shown_command
from twin.api.graphql.context import RequestContext
from twin.api.graphql.fields import mutation
from twin.api.graphql.jobs import Job, find_job, job_of
from twin.api.graphql.model import Property, property_of
from twin.api.graphql.rdf_text import names_only, quads_of
from twin.api.graphql.reprocessing import Reprocessed, reprocessed
from twin.api.graphql.scalars import DateTime, Value
from twin.api.revisions import parsed, parsed_or_none, shown
from twin.bindings.swap import EquivalenceReport as Equivalence
from twin.contracts import Delta, Revision
from twin.errors import InvalidInput, Unavailable
from twin.flows.rebind import BindingSpec
from twin.graph.storable import is_wiring, placed
from twin.payload import AS_USUAL, PayloadForm

Info = strawberry.Info[RequestContext, None]


@strawberry.input(description="a raw code of a device and the state it stands for")
class BindingStateInput:
    code: str
    word: str


@strawberry.input(description="what is not plain JSON or a plain value; see the documentation of bindings")
class PayloadFormInput:
    format: str | None = None
    packing: str | None = None
    bits: str | None = None
    time_form: str | None = None
    time_zone: str | None = None
    step: float | None = None
    step_path: str | None = None
    start: float | None = None
    start_path: str | None = None


@strawberry.input(description="where a property is read and written from now on; source value = raw * scale + offset")
class BindingInput:
    connection: strawberry.ID
    address: str
    write_address: str | None = None
    path: str | None = None
    time_path: str | None = None
    write_path: str | None = None
    source_unit: str | None = None
    scale: float = 1
    offset: float = 0
    states: list[BindingStateInput] = strawberry.field(default_factory=list)
    form: PayloadFormInput | None = None

    def spec(self) -> BindingSpec:
        """The binding as the flow takes it."""
        return BindingSpec(
            connection=self.connection,
            address=self.address,
            write_address=self.write_address,
            path=self.path,
            time_path=self.time_path,
            write_path=self.write_path,
            source_unit=self.source_unit,
            scale=self.scale,
            offset=self.offset,
            states=tuple((each.code, each.word) for each in self.states),
            form=PayloadForm(**asdict(self.form)) if self.form is not None else AS_USUAL,
        )


@strawberry.type(description="what both sides said while both ran (dry run), in the property's unit")
class EquivalenceReport:
    seconds: float
    samples_before: int
    samples_after: int
    mean_before: float | None
    mean_after: float | None
    mean_difference: float | None
    maximum_difference: float | None
    time_offset: float | None
    states_agree: float | None
    equivalent: bool
    message: str


@strawberry.type
class SwapResult:
    revision: str | None = strawberry.field(description="null for a dry run, which changes nothing")
    property: Property
    report: EquivalenceReport | None = strawberry.field(description="of a dry run")


@strawberry.type
class ChangeResult:
    revision: str | None = strawberry.field(description="null for a dry run, which changes nothing")
    added: int
    removed: int


@strawberry.type
class RepairResult:
    revision: str | None = strawberry.field(description="null for a dry run, which changes nothing")
    sentence: str = strawberry.field(description="what was done, in words")
    added: list[str] = strawberry.field(description="N-Quads")
    removed: list[str] = strawberry.field(description="N-Quads")
    resolved: int = strawberry.field(description="how many violations go with it")


@strawberry.type
class Mutation(AlertMutations):
    @mutation(
        "returns when the command is verified by read-back, failed or expired (timeout: seconds), or at"
        " once with wait: false"
    )
    async def set_property(
        self,
        info: Info,
        property: strawberry.ID,
        value: Value,
        unit: str | None = None,
        timeout: float = 10,  # noqa: ASYNC109 - it is part of the command, which lives on when the caller leaves
        wait: bool = True,
        dry_run: bool = False,
    ) -> Command:
        context = info.context
        context.operate()
        longest = context.limits.command_seconds
        if not 0 < timeout <= longest:
            raise InvalidInput(
                f"A command cannot have {timeout:g} s.", remedy=f"Give more than 0 and at most {longest:g} s."
            )
        command = await context.services.actuator.set_property(
            context.scope.principal,
            context.property_record(property).iri,
            value,
            unit=unit,
            timeout=timeout,
            wait=wait,
            dry_run=dry_run,
        )
        return shown_command(context, command)

    @mutation(
        "binds a property to another device in one revision, or with dryRun runs both sides beside each"
        " other for observe seconds and reports; needs the permission to see bindings"
    )
    async def swap_binding(
        self,
        info: Info,
        property: strawberry.ID,
        to: BindingInput,
        expected_revision: str | None = None,
        dry_run: bool = False,
        observe: float = 5,
    ) -> SwapResult:
        context = info.context
        context.see_bindings()
        result = await context.services.rebinding.swap(
            context.scope.principal,
            context.property_record(property).iri,
            to.spec(),
            expected_revision=parsed_or_none(expected_revision),
            dry_run=dry_run,
            observe=observe,
        )
        return SwapResult(
            revision=None if result.revision is None else shown(result.revision),
            property=property_of(context, result.property),
            report=None if result.report is None else _report(result.report),
        )

    @mutation(
        "decodes the raw payloads of a connection that were received in a period (default: the last day) again, through"
        " its bindings as they are now; by default only tells what would differ; needs the permission to see bindings"
    )
    async def reprocess(
        self,
        info: Info,
        connection: strawberry.ID,
        from_: Annotated[DateTime | None, strawberry.argument(name="from")] = None,
        to: DateTime | None = None,
        properties: list[strawberry.ID] | None = None,
        dry_run: bool = True,
    ) -> Reprocessed:
        context = info.context
        context.change()
        context.see_bindings()
        return await reprocessed(context, connection, from_, to, properties, dry_run)

    @mutation("validates all of a site by every rule, as a job; what is kept of its violations follows from then on")
    def validate_site(self, info: Info, site: strawberry.ID) -> Job:
        context = info.context
        context.change()
        return job_of(context.services.validation.start(context.site(site), context.scope.principal.name))

    @mutation("asks a job to stop: one that is cancelled leaves nothing, one that writes already goes on")
    def cancel_job(self, info: Info, id: strawberry.ID) -> Job:
        context = info.context
        context.change()
        return job_of(context.services.jobs.cancel(find_job(context, id).id))

    @mutation("takes back one change as a new change")
    async def rollback(self, info: Info, revision: str, expected_revision: str | None = None) -> ChangeResult:
        context = info.context
        context.change()
        committed = await context.services.rebinding.rollback(
            context.scope.principal, parsed(revision), expected_revision=parsed_or_none(expected_revision)
        )
        return _result(committed)

    @mutation("add and remove: Turtle, N-Triples or N-Quads text; triples go to the site's graph")
    async def apply_change(
        self,
        info: Info,
        site: strawberry.ID,
        reason: str,
        add: str = "",
        remove: str = "",
        expected_revision: str | None = None,
        twins: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="those that expectedRevision is about")
        ] = None,
        dry_run: bool = False,
    ) -> ChangeResult:
        context = info.context
        context.change()
        if not reason.strip():
            raise InvalidInput("The change has no reason.", remedy="Say in a few words why it is made.")
        context.site(site)
        added, removed = quads_of("add", add, site), quads_of("remove", remove, site)
        if not added and not removed:
            raise InvalidInput("The change is empty.", remedy="Give triples to add or to remove.")
        names_only("remove", removed)
        delta = placed(context.services.store, Delta(removed, added))
        if is_wiring(delta):
            context.see_bindings()
        committed = await context.services.door.commit(
            delta,
            actor=context.scope.principal.name,
            reason=reason.strip(),
            expected_revision=parsed_or_none(expected_revision),
            about=tuple(context.twin_record(twin).iri for twin in twins or ()),
            sees=context.scope.sees_graph,
            dry_run=dry_run,
        )
        return _result(committed, dry_run)

    @mutation("mends a violation that has a repair, in one revision; with dryRun it is judged and told and not applied")
    async def apply_repair(
        self, info: Info, violation: strawberry.ID, expected_revision: str | None = None, dry_run: bool = False
    ) -> RepairResult:
        context = info.context
        context.change()
        repairing = context.services.repairing
        if repairing is None:
            raise Unavailable("Nothing is repaired here.", remedy="Ask the server of the graph itself.")
        context.site(repairing.standing(violation).site)
        done = await repairing.apply(
            violation,
            actor=context.scope.principal.name,
            expected_revision=parsed_or_none(expected_revision),
            dry_run=dry_run,
        )
        return RepairResult(
            revision=None if dry_run else shown(done.revision.token),
            sentence=done.repair.sentence,
            added=[str(quad) for quad in done.repair.delta.added],
            removed=[str(quad) for quad in done.repair.delta.removed],
            resolved=done.resolved,
        )


def _result(committed: Revision, dry_run: bool = False) -> ChangeResult:
    said = asserted(committed.delta)
    return ChangeResult(
        revision=None if dry_run else shown(committed.token), added=len(said.added), removed=len(said.removed)
    )


def _report(report: Equivalence) -> EquivalenceReport:
    return EquivalenceReport(
        seconds=report.seconds,
        samples_before=report.samples_before,
        samples_after=report.samples_after,
        mean_before=report.mean_before,
        mean_after=report.mean_after,
        mean_difference=report.mean_difference,
        maximum_difference=report.maximum_difference,
        time_offset=report.time_offset,
        states_agree=report.states_agree,
        equivalent=report.equivalent,
        message=report.message,
    )
