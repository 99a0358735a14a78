// The difference of two revisions: what has to be removed and added to get from one to the other.

import { shortRevision } from "../../format";
import { Link, paths, useTitle } from "../../routing";
import { useWords } from "../../words";
import { DifferenceByTwin, useDifference } from "./difference";

export function DifferencePage({ from, to }: { from: string; to: string }) {
  const words = useWords();
  const title = words.changes.between(shortRevision(from), shortRevision(to));
  useTitle(title);
  const listed = useDifference(from, to);
  const difference = listed.answer?.difference;
  return (
    <div className="content">
      <header className="screen-head">
        <h1>{title}</h1>
        {difference && (
          <p className="change-facts">
            <span className="tabular">{words.overview.quads(difference.added, difference.removed)}</span>
            <span>{words.changes.twinsDiffer(difference.totalCount)}</span>
          </p>
        )}
      </header>
      <nav className="change-ways" aria-label={words.changes.ways}>
        <Link className="button" href={paths.at(paths.twins, from)}>
          {words.changes.seeAs(shortRevision(from))}
        </Link>
        <Link className="button" href={paths.at(paths.twins, to)}>
          {words.changes.seeAs(shortRevision(to))}
        </Link>
        <span className="ways-beside">
          <Link href={paths.difference(to, from)}>{words.changes.turnRound}</Link>
          <Link href={paths.changes}>{words.past.allChanges}</Link>
        </span>
      </nav>
      <DifferenceByTwin listed={listed} />
    </div>
  );
}
