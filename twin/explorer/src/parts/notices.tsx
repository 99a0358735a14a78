// What stands where content is missing: a skeleton while it comes, the reason and the remedy when it does not,
// an explanation when there is none.

import type { ReactNode } from "react";
import type { Failure } from "../fetching";
import { useWords } from "../words";
import { StateShape } from "./state-mark";

export function FailureNotice({ failure, retry, title }: { failure: Failure; retry?: () => void; title?: string }) {
  const words = useWords();
  const message = {
    told: failure.message,
    unreachable: words.failure.unreachable,
    strange: words.failure.strange(failure.status),
  };
  const remedy = {
    told: failure.remedy,
    unreachable: words.failure.unreachableRemedy,
    strange: words.failure.strangeRemedy,
  };
  return (
    <div className="notice is-failure" role="alert">
      <StateShape state="alarm" />
      <div>
        <strong>{title ?? words.failure.title}</strong>
        <p>{message[failure.kind]}</p>
        {remedy[failure.kind] && <p className="remedy">{remedy[failure.kind]}</p>}
      </div>
      {retry && (
        <button type="button" className="button" onClick={retry}>
          {words.failure.retry}
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { title?: string; children?: ReactNode }) {
  return (
    <div className="empty">
      {title && <strong>{title}</strong>}
      {children && <p>{children}</p>}
    </div>
  );
}

export function Skeleton({ rows = 3 }: { rows?: number }) {
  const words = useWords();
  return (
    <div className="skeleton" role="status" aria-label={words.more.loading}>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} style={{ width: `${92 - ((row * 23) % 45)}%` }} />
      ))}
    </div>
  );
}

/** "40 of 212 shown - show more". */
export function More({
  shown,
  total,
  more,
  loading,
}: {
  shown: number;
  /** Null where nobody counted them. */
  total: number | null;
  more: (() => void) | null;
  loading?: boolean;
}) {
  const words = useWords();
  return (
    <p className="more">
      <span>{total === null ? words.more.shownOnly(shown) : words.more.shown(shown, total)}</span>
      {more && (
        <button type="button" className="button is-quiet" onClick={more} disabled={loading}>
          {loading ? words.more.loading : words.more.more}
        </button>
      )}
    </p>
  );
}

export function Panel({
  title,
  id: name = title,
  aside,
  children,
  className = "",
}: {
  title: string;
  /** What tells it from others of the same title on the screen. */
  id?: string;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  const id = `panel-${name.replace(/\s+/g, "-")}`;
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
