// The recorded past of several properties over one span of time, asked for again as time goes on.

import { useEffect, useState } from "react";
import { HISTORY } from "../documents";
import { ask, Failure } from "../fetching";
import type { Past } from "../past";
import type { HistoryPoint, Property } from "../schema";

export type Span = "15m" | "1h" | "24h" | "7d";

export const spans: Record<Span, { seconds: number; points: number; refresh: number }> = {
  "15m": { seconds: 900, points: 180, refresh: 5 },
  "1h": { seconds: 3600, points: 360, refresh: 10 },
  "24h": { seconds: 86_400, points: 288, refresh: 60 },
  "7d": { seconds: 7 * 86_400, points: 336, refresh: 300 },
};

export interface Histories {
  from: number;
  to: number;
  points: Map<string, HistoryPoint[]>;
}

export function useHistories(
  properties: Property[],
  span: Span,
  past: Past | null,
): { histories: Histories | null; failure: Failure | null } {
  const [state, setState] = useState<{ span: Span; histories: Histories | null; failure: Failure | null }>({
    span,
    histories: null,
    failure: null,
  });
  const key = [past?.asOf, ...properties.map((property) => property.id)].join(" ");

  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const go = async () => {
      const { seconds, points, refresh } = spans[span];
      const to = past?.time ?? Date.now();
      const from = to - seconds * 1000;
      const shared = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), points };
      try {
        const answers = await Promise.all(
          properties.map((each) =>
            ask(HISTORY, { id: each.id, asOf: past?.asOf ?? null, ...shared, aggregate: each.kind === "NUMBER" ? "MEAN" : "LAST" }, abort.signal),
          ),
        );
        const taken = new Map(
          properties.map((each, index) => [each.id, answers[index]?.property?.history.points ?? []]),
        );
        setState({ span, histories: { from, to, points: taken }, failure: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof Failure)) throw error;
        setState((before) => ({ ...before, failure: error }));
      }
      if (!past) timer = window.setTimeout(() => void go(), refresh * 1000);
    };
    if (properties.length > 0) void go();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
    // The key stands for the properties and the time.
  }, [key, span]);

  // Another span's past would be drawn on the wrong axis.
  return state.span === span ? state : { histories: null, failure: null };
}

/** The shortest span that holds all of it with a little room, because what fills its span may be cut off by it; null
 * when nothing was recorded. */
export function spanOf({ points, to }: Histories): Span | null {
  const times = [...points.values()].flatMap((each) => each.find((point) => point.value !== null)?.time ?? []);
  if (times.length === 0) return null;
  const seconds = (to - Math.min(...times.map((time) => Date.parse(time)))) / 1000;
  return (Object.keys(spans) as Span[]).find((span) => spans[span].seconds * 0.97 >= seconds) ?? "7d";
}
