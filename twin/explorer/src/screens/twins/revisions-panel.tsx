// The last changes that were about a twin, its properties or their bindings.

import { CHANGES } from "../../documents";
import { clock, shortRevision } from "../../format";
import { usePages } from "../../paging";
import { usePast } from "../../past";
import { Empty, Panel } from "../../parts/notices";
import { Paged } from "../../parts/paged";
import { Link, paths } from "../../routing";
import { useWords } from "../../words";
import { changePage } from "../changes/change-list";

const pageSize = 8;

export function RevisionsPanel({ twin }: { twin: string }) {
  const words = useWords();
  const past = usePast();
  // In the past there are those until then.
  const following = past ? { start: past.next } : { every: 30 };
  const listed = usePages(CHANGES, { twin, last: pageSize }, changePage(pageSize), following);
  return (
    <Panel title={words.twin.changes} aside={<Link href={paths.changesOf(twin)}>{words.past.allChanges}</Link>}>
      <Paged listed={listed} rows={3} empty={<Empty>{words.changes.noneOfTwin}</Empty>}>
        {(changes) => (
          <ul className="rows changes">
            {changes.map((change) => (
              <li key={change.revision}>
                <Link href={paths.change(change.revision)} className="tabular">
                  {words.past.revision(shortRevision(change.revision))}
                </Link>
                <span className="reason" title={`${change.reason}\n${change.actor}`}>
                  {change.reason}
                </span>
                <time dateTime={change.time}>{clock(change.time, words)}</time>
                <span className="size">{words.overview.quads(change.added, change.removed)}</span>
              </li>
            ))}
          </ul>
        )}
      </Paged>
    </Panel>
  );
}
