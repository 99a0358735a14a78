// Since when a violation stands, leading to the change that brought it.

import { clock } from "../../format";
import { Link, paths } from "../../routing";
import type { Violation } from "../../schema";
import { useWords } from "../../words";

export function Since({ of }: { of: Violation }) {
  const words = useWords();
  if (!of.since || !of.sinceTime) return null;
  return (
    <Link href={paths.change(of.since)} className="plain" title={of.sinceTime}>
      <time dateTime={of.sinceTime}>{clock(of.sinceTime, words)}</time>
    </Link>
  );
}
