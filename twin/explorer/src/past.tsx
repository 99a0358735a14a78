// The time that the screens of the graph show: now, or a revision of the past with the moment whose values belong to it.

import { createContext, useContext, useRef, type ReactNode } from "react";
import { MOMENT } from "./documents";
import { useQuery, type Failure } from "./fetching";
import { useChange } from "./revisions";
import { useAsOf } from "./routing";

export interface Past {
  /** As the address has it: a revision or a moment. */
  asOf: string;
  revision: string;
  /** The first revision that came later; null when there was none yet. */
  next: string | null;
  /** Milliseconds since 1970: when the revision was made, or the moment that was asked for. */
  time: number;
}

interface Shown {
  past: Past | null;
  /** The server was not heard yet: `past` is where the reader comes from. */
  pending: boolean;
  failure: Failure | null;
}

const ShownTime = createContext<Shown>({ past: null, pending: false, failure: null });

/** Tells the screens within which time they show; the server says which revision a moment belongs to. */
export function TimeOfScreen({ children }: { children: ReactNode }) {
  const asOf = useAsOf();
  const moment = useQuery(MOMENT, asOf === null ? null : { asOf });
  const revision = moment.data?.difference.from ?? null;
  const made = useChange(asOf === null ? null : revision);
  const named = asOf === null ? NaN : /T/i.test(asOf) ? Date.parse(asOf) : NaN;
  const time = Number.isNaN(named) ? Date.parse(made.data?.change?.time ?? "") : named;
  const settled =
    asOf === null || revision === null || !made.data
      ? null
      : { asOf, revision, time, next: made.data.next?.revision ?? null };
  const failure = asOf === null || settled ? null : (moment.failure ?? made.failure);
  // On the way from one past to another the screen keeps the first.
  const last = useRef<Past | null>(null);
  if (settled || asOf === null || failure) last.current = settled;
  const pending = asOf !== null && !settled && !failure;
  return <ShownTime value={{ past: last.current, failure, pending }}>{children}</ShownTime>;
}

/** The past that the screen shows, null for now. A screen of the graph is drawn only when this is settled. */
export const usePast = (): Past | null => useContext(ShownTime).past;
export const useShownTime = (): Shown => useContext(ShownTime);
