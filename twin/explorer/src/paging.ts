// Lists that come by the page: the first is kept current, further ones are added when the reader asks for more.

import { useState } from "react";
import type { Document } from "./documents";
import { ask, Failure, useQuery } from "./fetching";
import type { Page } from "./schema";

interface Paged {
  after: string | null;
}

export interface Listed<Item, Answer> {
  items: Item[];
  total: number;
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

export function usePages<Item, Answer, Variables extends object>(
  document: Document<Answer, Variables & Paged>,
  variables: Variables,
  pageOf: (answer: Answer) => Page<Item> | undefined,
  { every = 0 } = {},
): Listed<Item, Answer> {
  const key = JSON.stringify(variables);
  const first = useQuery(document, { ...variables, after: null }, { every });
  const [further, setFurther] = useState<{ key: string; pages: Page<Item>[] }>({ key, pages: [] });
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const opening = first.data ? pageOf(first.data) : undefined;
  const pages = [...(opening ? [opening] : []), ...(further.key === key ? further.pages : [])];
  const last = pages.at(-1);

  const more = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const next = pageOf(await ask(document, { ...variables, after: last?.pageInfo.endCursor ?? null }));
      if (next) setFurther({ key, pages: [...pages.slice(1), next] });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    }
    setBusy(false);
  };

  return {
    items: pages.flatMap((page) => page.nodes),
    total: opening?.totalCount ?? 0,
    more: last?.pageInfo.hasNextPage ? () => void more() : null,
    busy,
    loading: first.loading,
    failure: failure ?? first.failure,
    asked: first.asked,
    again: first.again,
    answer: first.data,
  };
}
