// A list that comes by the page: what stands there while it comes, when it fails, when it is empty, and the way to more.

import type { ReactNode } from "react";
import type { Listed } from "../paging";
import { FailureNotice, More, Skeleton } from "./notices";

export function Paged<Item>({
  listed,
  rows = 8,
  empty,
  always = false,
  children,
}: {
  listed: Listed<Item, unknown>;
  /** How many lines stand there while the first page comes. */
  rows?: number;
  empty: ReactNode;
  /** Whether "40 of 40 shown" is said of a list that is whole, too. */
  always?: boolean;
  children: (items: Item[]) => ReactNode;
}) {
  const { items, total, more, busy, loading, failure, again } = listed;
  return (
    <>
      {failure && <FailureNotice failure={failure} retry={again} />}
      {loading && <Skeleton rows={rows} />}
      {!loading && !failure && items.length === 0 && empty}
      {items.length > 0 && children(items)}
      {items.length > 0 && (more || always) && <More shown={items.length} total={total} more={more} loading={busy} />}
    </>
  );
}
