// What lies between two revisions, twin by twin, in words.

import { DIFFERENCE } from "../../documents";
import { usePages } from "../../paging";
import { Empty, Panel } from "../../parts/notices";
import { Paged } from "../../parts/paged";
import { StatementList, type Names } from "../../parts/statement-list";
import { Link, paths } from "../../routing";
import type { Difference, Page, Statement, TwinDifference } from "../../schema";
import { LABEL, mayHavePage } from "../../statements";
import { useWords } from "../../words";

const pageSize = 25;

const pageOf = ({ difference }: { difference: Difference }): Page<TwinDifference> => ({
  nodes: difference.twins,
  pageInfo: difference.pageInfo,
  totalCount: difference.totalCount,
});

export function useDifference(from: string | null, to: string) {
  return usePages(DIFFERENCE, from === null ? null : { from, to, first: pageSize }, pageOf);
}

export function DifferenceByTwin({ listed }: { listed: ReturnType<typeof useDifference> }) {
  const words = useWords();
  const names = namesIn(listed.items);
  return (
    <div className="stack">
      <Paged listed={listed} rows={6} empty={<Empty title={words.changes.same}>{words.changes.sameExplain}</Empty>}>
        {(twins) => twins.map((each) => <TwinPanel key={each.twin} difference={each} names={names} />)}
      </Paged>
    </div>
  );
}

/** The names that a difference itself tells: those of its twins, and those that it gives or gave. */
function namesIn(twins: TwinDifference[]): Names {
  const labels = (of: Statement[]) =>
    of.flatMap(({ subject, predicate, object }) => (predicate === LABEL ? [[subject, object] as const] : []));
  return new Map([
    ...twins.flatMap(({ removed }) => labels(removed)),
    ...twins.flatMap(({ added }) => labels(added)),
    ...twins.map(({ twin, name }) => [twin, name] as const),
  ]);
}

function TwinPanel({ difference, names }: { difference: TwinDifference; names: Names }) {
  const words = useWords();
  const { twin, name, added, removed } = difference;
  return (
    <Panel
      title={name}
      id={twin}
      className="twin-difference"
      aside={
        <>
          <span className="tabular muted">{words.overview.quads(added.length, removed.length)}</span>
          {mayHavePage(twin) && (
            <Link href={paths.twin(twin)} title={twin}>
              {words.changes.openTwin}
            </Link>
          )}
        </>
      }
    >
      <StatementList about={twin} removed={removed} added={added} names={names} />
    </Panel>
  );
}
