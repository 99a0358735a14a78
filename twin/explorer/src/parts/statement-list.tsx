// What a change says: statements added and removed, in words, each with its full identifiers on hover.

import { Link, paths } from "../routing";
import type { Statement } from "../schema";
import { className, mayHavePage, nodeName, pageOf, predicateWords, TYPE } from "../statements";
import { useWords } from "../words";

/** Names of nodes by their identifiers, where somebody knows them. */
export type Names = ReadonlyMap<string, string>;

interface Row {
  added: boolean;
  statement: Statement;
}

/** Removed and added statements of one predicate stand together, the old before the new. */
function rowsOf(removed: Statement[], added: Statement[]): Row[] {
  const rows = [
    ...removed.map((statement) => ({ added: false, statement })),
    ...added.map((statement) => ({ added: true, statement })),
  ];
  const order = (row: Row) => (row.statement.predicate === TYPE ? "" : row.statement.predicate);
  return rows.sort(
    (a, b) =>
      a.statement.subject.localeCompare(b.statement.subject) ||
      order(a).localeCompare(order(b)) ||
      Number(a.added) - Number(b.added),
  );
}

export function StatementList({
  about,
  removed,
  added,
  names,
}: {
  /** The node that the list stands under: its own statements do not repeat its name. */
  about: string | null;
  removed: Statement[];
  added: Statement[];
  names: Names;
}) {
  const words = useWords();
  return (
    <ul className="statement-list">
      {rowsOf(removed, added).map(({ added: isNew, statement }, index) => (
        <li key={index} className={isNew ? "is-added" : "is-removed"}>
          <ChangeMark added={isNew} />{" "}
          <p>
            {statement.subject !== about && (
              <>
                <span className="subject" title={statement.subject}>
                  {names.get(statement.subject) ?? nodeName(statement.subject)}
                </span>{" "}
              </>
            )}
            <span className="muted" title={statement.predicate}>
              {predicateWords(statement.predicate, words)}
            </span>{" "}
            <ObjectText statement={statement} names={names} />
          </p>
        </li>
      ))}
    </ul>
  );
}

function ChangeMark({ added }: { added: boolean }) {
  const words = useWords();
  return (
    <span className="change-mark">
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        <path d={added ? "M6 1.5v9M1.5 6h9" : "M1.5 6h9"} stroke="currentColor" strokeWidth="1.8" />
      </svg>
      <span>{added ? words.changes.added : words.changes.removed}</span>
    </span>
  );
}

function ObjectText({ statement, names }: { statement: Statement; names: Names }) {
  const { object, datatype, language } = statement;
  if (datatype !== null)
    return (
      <q className="said" title={language ?? datatype.split("#").pop()}>
        {object}
      </q>
    );
  if (statement.predicate === TYPE) return <span title={object}>{className(object)}</span>;
  const name = names.get(object) ?? nodeName(object);
  if (!mayHavePage(object)) return <span title={object}>{name}</span>;
  return (
    <Link href={paths.twin(pageOf(object))} title={object}>
      {name}
    </Link>
  );
}
