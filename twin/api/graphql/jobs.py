"""Jobs as clients see them: what goes on, how far it is, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.scalars import DateTime
from twin.errors import NotFound
from twin.jobs import Job as Known

_PAUSE = 0.25  # seconds between two looks at the jobs: no client sees more steps a second than people can


@strawberry.type(description="work that takes a while: an import, a validation, an edit of the class tree")
class Job:
    id: strawberry.ID
    kind: str = strawberry.field(description="import, validation, retyping")
    what: str
    site: strawberry.ID | None
    actor: str
    state: str = strawberry.field(description="running, done, failed, cancelled")
    step: str
    done: int
    total: int = strawberry.field(description="0: nobody knows yet")
    cancellable: bool
    cancelling: bool
    began: DateTime
    ended: DateTime | None
    message: str = strawberry.field(description="what it came to, or why it failed")


def job_of(job: Known) -> Job:
    """A job as the schema shows it."""
    return Job(
        id=strawberry.ID(job.id),
        kind=job.kind,
        what=job.what,
        site=None if job.site is None else strawberry.ID(job.site),
        actor=job.actor,
        state=job.state,
        step=job.step,
        done=job.done,
        total=job.total,
        cancellable=job.cancellable,
        cancelling=job.cancelling,
        began=DateTime(job.began),
        ended=None if job.ended is None else DateTime(job.ended),
        message=job.message,
    )


def jobs_of(context: RequestContext, site: str | None = None, state: str | None = None) -> list[Job]:
    """The jobs in scope, newest first."""
    found = [job for job in context.services.jobs.listed(site=site, state=state) if sees_job(context, job)]
    context.spend(len(found))
    return [job_of(job) for job in found]


def find_job(context: RequestContext, id: str) -> Known:
    """A job in scope; raises `NotFound`."""
    job = context.services.jobs.find(id)
    if not sees_job(context, job):
        raise NotFound(f"There is no job {id!r}.", remedy="List the jobs.", id=id)
    return job


def sees_job(context: RequestContext, job: Known) -> bool:
    """Whether a job is inside the scope."""
    return job.site is None or context.scope.sees(job.site)


async def followed(context: RequestContext) -> AsyncGenerator[Job, None]:
    """Those that go on now, and then each whenever it is further, or another begins or ends."""
    jobs = context.services.jobs
    seen = 0
    for job in reversed(jobs.listed(state="running")):
        if sees_job(context, job):
            yield job_of(job)
    seen = jobs.version
    while True:
        await asyncio.sleep(_PAUSE)
        if jobs.version == seen:
            continue
        changed = [job for job in jobs.listed() if job.version > seen]
        seen = max([seen, *(job.version for job in changed)])
        for job in sorted(changed, key=lambda each: each.version):
            if sees_job(context, job):
                context.next_event()
                yield job_of(job)
