// One revision: who made it, when and why, and what it added and removed.

import { clock, shortRevision } from "../../format";
import { Empty, FailureNotice, Skeleton } from "../../parts/notices";
import { BEGINNING, useChange } from "../../revisions";
import { Link, paths, useTitle } from "../../routing";
import { useWords } from "../../words";
import { DifferenceByTwin, useDifference } from "./difference";

export function ChangePage({ revision }: { revision: string }) {
  const words = useWords();
  const title = words.past.revision(shortRevision(revision));
  useTitle(title);
  const { data, failure, again } = useChange(revision);
  const before = data?.change ? (data.previous?.revision ?? BEGINNING) : null;
  const listed = useDifference(before, revision);
  return (
    <div className="content">
      {failure && <FailureNotice failure={failure} retry={again} />}
      {!data && !failure && <Skeleton rows={8} />}
      {data && !data.change && <Empty title={words.changes.notFound}>{words.changes.notFoundRemedy}</Empty>}
      {data?.change && (
        <>
          <header className="screen-head">
            <h1>{title}</h1>
            <p className="change-facts">
              <time dateTime={data.change.time}>{clock(data.change.time, words, { seconds: true })}</time>
              <span>{words.changes.by(data.change.actor)}</span>
              <span className="tabular">
                {listed.answer
                  ? words.overview.quads(listed.answer.difference.added, listed.answer.difference.removed)
                  : words.overview.quads(data.change.added, data.change.removed)}
              </span>
            </p>
          </header>
          <p className="change-reason">{data.change.reason}</p>
          <nav className="change-ways" aria-label={words.changes.ways}>
            <Link className="button" href={paths.at(paths.twins, data.change.revision)}>
              {words.changes.seeThen}
            </Link>
            {data.previous && (
              <Link className="button" href={paths.at(paths.twins, data.previous.revision)}>
                {words.changes.seeBefore}
              </Link>
            )}
            <span className="ways-beside">
              {data.previous && (
                <Link href={paths.change(data.previous.revision)}>
                  ← {words.past.revision(shortRevision(data.previous.revision))}
                </Link>
              )}
              {data.next && (
                <Link href={paths.change(data.next.revision)}>
                  {words.past.revision(shortRevision(data.next.revision))} →
                </Link>
              )}
            </span>
          </nav>
          <DifferenceByTwin listed={listed} />
        </>
      )}
    </div>
  );
}
