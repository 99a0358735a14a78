// Lists that come by the page: the first is kept current, further ones are added when the reader asks for more.

import { useEffect, useState } from "react";
import type { Document } from "./documents";
import { ask, Failure, useQuery } from "./fetching";
import type { OpenPage, Page } from "./schema";

interface Paged {
  after: string | null;
}

export interface Listed<Item, Answer> {
  items: Item[];
  /** Null where the server does not count them. */
  total: number | null;
  /** Loads the next page; null when everything is shown. */
  more: (() => void) | null;
  busy: boolean;
  loading: boolean;
  failure: Failure | null;
  /** When the first page was asked for, on the page's own clock. */
  asked: number;
  again: () => void;
  /** The answer that the first page came with. */
  answer: Answer | null;
}

interface Further<Item> {
  key: string;
  /** Where the first page ended when they were asked for. */
  from: string | null;
  pages: (Page<Item> | OpenPage<Item>)[];
}

/** `start`: the cursor behind which the list begins. */
export function usePages<Item, Answer, Variables extends object>(
  document: Document<Answer, Variables & Paged>,
  variables: Variables | null,
  pageOf: (answer: Answer) => Page<Item> | OpenPage<Item> | undefined,
  { every = 0, start = null as string | null } = {},
): Listed<Item, Answer> {
  const key = JSON.stringify([variables, start]);
  const first = useQuery(document, variables && { ...variables, after: start }, { every });
  const [further, setFurther] = useState<Further<Item>>({ key, from: null, pages: [] });
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const opening = first.data ? pageOf(first.data) : undefined;
  const pages = [...(opening ? [opening] : []), ...(further.key === key ? further.pages : [])];
  const last = pages.at(-1);
  const end = opening?.pageInfo.endCursor ?? null;

  // The first page was asked for again and ends elsewhere: what follows it follows from there.
  useEffect(() => {
    if (!opening || further.key !== key || further.pages.length === 0 || further.from === end) return;
    const abort = new AbortController();
    const follow = async () => {
      const followed: (Page<Item> | OpenPage<Item>)[] = [];
      let at: Page<Item> | OpenPage<Item> | undefined = opening;
      while (at?.pageInfo.hasNextPage && followed.length < further.pages.length) {
        at = pageOf(await ask(document, { ...(variables as Variables), after: at.pageInfo.endCursor }, abort.signal));
        if (at) followed.push(at);
      }
      setFurther({ key, from: end, pages: followed });
    };
    follow().catch((error: unknown) => {
      if (abort.signal.aborted) return;
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    });
    return () => abort.abort();
  }, [end, key]);

  const more = async () => {
    if (variables === null) return;
    setBusy(true);
    setFailure(null);
    try {
      const next = pageOf(await ask(document, { ...variables, after: last?.pageInfo.endCursor ?? null }));
      if (next) setFurther({ key, from: end, pages: [...pages.slice(1), next] });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    }
    setBusy(false);
  };

  return {
    items: pages.flatMap((page) => page.nodes),
    total: opening ? opening.totalCount : 0,
    more: last?.pageInfo.hasNextPage ? () => void more() : null,
    busy,
    loading: first.loading || (variables === null && !first.failure),
    failure: failure ?? first.failure,
    asked: first.asked,
    again: first.again,
    answer: first.data,
  };
}
