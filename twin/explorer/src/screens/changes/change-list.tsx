// The revisions of the graph, newest first, a page at a time. New ones come by subscription: they go in at the top
// while the reader is only looking, and wait to be called while the reader is at work in the list.

import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "react";
import { CHANGED, CHANGES } from "../../documents";
import { clock, shortRevision } from "../../format";
import { link } from "../../live/readings";
import { usePages } from "../../paging";
import { SetFilter, useFilters } from "../../parts/filters";
import { LinkNotice } from "../../parts/link-notice";
import { Empty } from "../../parts/notices";
import { Paged } from "../../parts/paged";
import { Link, navigate, paths, useTitle } from "../../routing";
import type { Change, OpenPage } from "../../schema";
import { nodeName } from "../../statements";
import { useWords } from "../../words";

const pageSize = 50;

export function ChangeList() {
  const words = useWords();
  useTitle(words.screens.changes);
  const filters = useFilters(paths.changes);
  const twin = filters.get("twin");
  const listed = usePages(CHANGES, { twin, last: pageSize }, changePage(pageSize));
  const whole = useRef<HTMLDivElement>(null);
  const [picked, pick] = useState<string[]>([]);
  const atWork = () => {
    const element = whole.current;
    const list = element?.querySelector("table");
    return (
      picked.length > 0 ||
      (element?.scrollTop ?? 0) > 8 ||
      (list?.matches(":hover, :focus-within") ?? false)
    );
  };
  const fresh = useFreshChanges(listed.answer?.changes.at(-1)?.revision ?? null, twin, atWork, listed.again);
  const changes = newestFirst([...fresh.shown, ...listed.items]);
  return (
    <div className="content" ref={whole}>
      <LinkNotice />
      <header className="screen-head">
        <h1>{words.changes.title}</h1>
        <p className="fresh" role="status">
          {fresh.waiting > 0 ? (
            <button type="button" className="button" onClick={fresh.show}>
              {words.changes.waiting(fresh.waiting)}
            </button>
          ) : (
            <span className="muted">{words.changes.follows}</span>
          )}
        </p>
      </header>
      <div className="filters changes-filters">
        {twin && (
          <SetFilter label={words.columns.twin} clear={() => filters.set({ twin: null })}>
            <Link href={paths.twin(twin)} title={twin}>
              {nodeName(twin)}
            </Link>
          </SetFilter>
        )}
        <Compare picked={picked} clear={() => pick([])} />
      </div>
      <Paged
        listed={{ ...listed, items: changes }}
        rows={10}
        empty={<Empty title={words.changes.none}>{twin ? words.changes.noneOfTwin : words.changes.noneExplain}</Empty>}
      >
        {(rows) => (
          <div className="panel scroll-x">
            <ChangeTable changes={rows} fresh={fresh.fresh} picked={picked} pick={pick} />
          </div>
        )}
      </Paged>
    </div>
  );
}

/** Changes come without a total: there are more as long as a page is full. */
export const changePage =
  (size: number) =>
  ({ changes }: { changes: Change[] }): OpenPage<Change> => ({
    nodes: changes.toReversed(),
    totalCount: null,
    pageInfo: { hasNextPage: changes.length >= size, endCursor: changes[0]?.revision ?? null },
  });

function newestFirst(changes: Change[]): Change[] {
  const known = new Map(changes.map((change) => [change.revision, change]));
  return [...known.values()].sort((a, b) => (a.revision < b.revision ? 1 : -1));
}

/** What was committed since the first page was asked for: shown at once, or waiting while the reader is at work. */
function useFreshChanges(newest: string | null, twin: string | null, atWork: () => boolean, again: () => void) {
  const state = useRef({ shown: [] as Change[], waiting: [] as Change[], fresh: new Set<string>() });
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [since, setSince] = useState<string | null>(null);
  useEffect(() => {
    if (since === null && newest !== null) setSince(newest);
  }, [newest]);
  const working = useRef(atWork);
  const askAgain = useRef(again);
  useLayoutEffect(() => {
    working.current = atWork;
    askAgain.current = again;
  });
  useEffect(() => {
    if (since === null) return;
    return link.subscribe(
      CHANGED,
      { since },
      ({ changes: change }) => {
        // Whether a change is about one twin, only the server can tell.
        if (twin !== null) return askAgain.current();
        const { shown, waiting, fresh } = state.current;
        if ([...shown, ...waiting].some((each) => each.revision === change.revision)) return;
        fresh.add(change.revision);
        if (working.current()) waiting.push(change);
        else shown.push(change);
        redraw();
      },
      console.warn,
    );
  }, [since, twin]);
  const { shown, waiting, fresh } = state.current;
  return {
    shown,
    fresh,
    waiting: waiting.length,
    show: () => {
      shown.push(...waiting.splice(0));
      redraw();
    },
  };
}

/** The two revisions that were chosen, and the way to their difference; the line is there before anything is. */
function Compare({ picked, clear }: { picked: string[]; clear: () => void }) {
  const words = useWords();
  const [from, to] = picked.toSorted();
  if (!from) return <p className="muted compare">{words.changes.pick}</p>;
  return (
    <p className="compare">
      <button
        type="button"
        className="button is-main"
        disabled={!to}
        onClick={() => to && navigate(paths.difference(from, to))}
      >
        {to ? words.changes.compare(shortRevision(from), shortRevision(to)) : words.changes.pickAnother}
      </button>
      <button type="button" className="button is-quiet" onClick={clear}>
        {words.changes.unpick}
      </button>
    </p>
  );
}

function ChangeTable({
  changes,
  fresh,
  picked,
  pick,
}: {
  changes: Change[];
  fresh: ReadonlySet<string>;
  picked: string[];
  pick: (picked: string[]) => void;
}) {
  const words = useWords();
  const toggle = (revision: string) =>
    pick(picked.includes(revision) ? picked.filter((each) => each !== revision) : [...picked, revision].slice(-2));
  return (
    <table className="table change-table">
      <thead>
        <tr>
          <th className="tick">
            <span className="unseen">{words.changes.compareColumn}</span>
          </th>
          <th className="revision">{words.columns.revision}</th>
          <th className="time">{words.columns.time}</th>
          <th>{words.columns.reason}</th>
          <th className="actor">{words.columns.actor}</th>
          <th className="is-number">{words.columns.size}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr key={change.revision} className={fresh.has(change.revision) ? "is-fresh" : undefined}>
            <td className="tick">
              <input
                type="checkbox"
                checked={picked.includes(change.revision)}
                onChange={() => toggle(change.revision)}
                aria-label={words.changes.pickOne(shortRevision(change.revision))}
              />
            </td>
            <th scope="row" className="revision">
              <Link href={paths.change(change.revision)}>{shortRevision(change.revision)}</Link>
            </th>
            <td className="time">
              <time dateTime={change.time}>{clock(change.time, words, { seconds: true })}</time>
            </td>
            <td className="reason" title={change.reason}>
              {change.reason}
            </td>
            <td className="actor" title={change.actor}>
              {change.actor}
            </td>
            <td className="is-number">{words.overview.quads(change.added, change.removed)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
