// What was repaired on this screen: the sentence, and the revision that it made.

import { useEffect, useRef } from "react";
import { shortRevision } from "../../format";
import { StateMark } from "../../parts/state-mark";
import { Link, paths } from "../../routing";
import type { Repair } from "../../schema";
import { useWords } from "../../words";

export function Repaired({ repair }: { repair: Repair | null }) {
  const words = useWords();
  const line = useRef<HTMLParagraphElement>(null);
  // The row that had the focus is gone.
  useEffect(() => line.current?.focus(), [repair]);
  return (
    <div role="status" aria-live="polite">
      {repair?.revision && (
        <p className="repaired" ref={line} tabIndex={-1}>
          <StateMark state="good" word={words.repair.done} />
          <span>{repair.sentence}</span>
          <Link href={paths.change(repair.revision)}>{words.past.revision(shortRevision(repair.revision))}</Link>
        </p>
      )}
    </div>
  );
}
