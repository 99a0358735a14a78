// One revision among its neighbours: the change that made it, the one before it and the one after it.

import { CHANGES, NEXT_CHANGE } from "./documents";
import { useQuery, type Failure } from "./fetching";
import { shortRevision } from "./format";
import type { Change } from "./schema";

/** Before every change. */
export const BEGINNING = "0";

export interface Among {
  /** Null when there is no such revision, or nothing of it is to be seen. */
  change: Change | null;
  previous: Change | null;
  next: Change | null;
}

export const isSameRevision = (one: string, other: string): boolean => shortRevision(one) === shortRevision(other);

/** The server lists changes before and after a revision, so the one itself is the next after the one before it. */
export function useChange(revision: string | null): {
  data: Among | null;
  failure: Failure | null;
  again: () => void;
} {
  const before = useQuery(CHANGES, revision === null ? null : { twin: null, last: 1, after: revision });
  const previous = before.data?.changes[0] ?? null;
  const itself = useQuery(NEXT_CHANGE, before.data ? { since: previous?.revision ?? BEGINNING } : null);
  const after = useQuery(NEXT_CHANGE, revision === null ? null : { since: revision });
  const found = itself.data?.changes[0] ?? null;
  const change = found && revision !== null && isSameRevision(found.revision, revision) ? found : null;
  return {
    data: itself.data && after.data ? { change, previous, next: after.data.changes[0] ?? null } : null,
    failure: before.failure ?? itself.failure ?? after.failure,
    again: () => {
      before.again();
      itself.again();
      after.again();
    },
  };
}
