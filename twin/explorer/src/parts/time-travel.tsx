// The way into the past and back: a button that says which time is shown, the times there are, and a banner in the past.

import { useEffect, useId, useRef, useState } from "react";
import { CHANGES } from "../documents";
import { useQuery } from "../fetching";
import { clock, shortRevision } from "../format";
import { useShownTime, type Past } from "../past";
import { BEGINNING, isSameRevision } from "../revisions";
import { Link, navigate, paths, showsGraph, useAsOf, usePath } from "../routing";
import type { Change } from "../schema";
import { useWords } from "../words";
import { Icon } from "./icons";
import { FailureNotice, Skeleton } from "./notices";

/** How many revisions stand on the line. */
const onLine = 200;

/** Shows the building at a time: on the screen that is open if that can, else where its twins are. */
function go(asOf: string): void {
  const here = showsGraph(location.pathname) ? location.pathname + location.search : paths.twins;
  navigate(paths.at(here, asOf));
}

export function TimeTravel() {
  const words = useWords();
  const asOf = useAsOf();
  const { past, pending } = useShownTime();
  const [open, setOpen] = useState(false);
  const whole = useRef<HTMLDivElement>(null);
  const panel = useId();
  usePathChange(() => setOpen(false));
  useEffect(() => {
    if (!open) return;
    const leave = (event: PointerEvent | FocusEvent) => {
      if (event.target instanceof Node && !whole.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, [open]);
  const close = () => {
    setOpen(false);
    whole.current?.querySelector("button")?.focus();
  };
  return (
    <div
      className="time-travel"
      ref={whole}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        type="button"
        className={asOf === null ? "button" : "button is-past"}
        aria-expanded={open}
        aria-controls={panel}
        aria-label={words.past.control(asOf === null ? words.past.now : words.past.asOf)}
        title={words.past.title}
        onClick={() => setOpen(!open)}
      >
        <Icon name="past" size={16} />
        <span>{asOf === null ? words.past.now : past ? words.past.revision(shortRevision(past.revision)) : "…"}</span>
      </button>
      {open && (
        <section id={panel} className="time-panel" aria-label={words.past.title}>
          <Times past={past} pending={pending} done={close} />
        </section>
      )}
    </div>
  );
}

function usePathChange(changed: () => void): void {
  const path = usePath();
  const first = useRef(path);
  useEffect(() => {
    if (first.current !== path) changed();
    first.current = path;
  }, [path]);
}

function Times({ past, pending, done }: { past: Past | null; pending: boolean; done: () => void }) {
  const words = useWords();
  const { data, failure, again } = useQuery(CHANGES, { twin: null, last: onLine, after: null });
  const [moment, setMoment] = useState(() => localText(past ? past.time : Date.now()));
  const [revision, setRevision] = useState(past ? shortRevision(past.revision) : "");
  const id = useId();
  const known = data?.changes ?? [];
  const visit = (asOf: string) => {
    go(asOf);
    done();
  };
  return (
    <>
      {failure && <FailureNotice failure={failure} retry={again} />}
      {!data && !failure && <Skeleton rows={3} />}
      {known.length > 0 && (
        <Slider known={known} past={past} pending={pending} />
      )}
      <form
        className="time-line"
        onSubmit={(event) => {
          event.preventDefault();
          const time = new Date(moment);
          if (!Number.isNaN(time.getTime())) visit(time.toISOString());
        }}
      >
        <label htmlFor={`${id}-moment`}>{words.past.moment}</label>
        <input
          id={`${id}-moment`}
          type="datetime-local"
          step="1"
          required
          value={moment}
          max={localText(Date.now() + 60_000)}
          onChange={(event) => setMoment(event.target.value)}
        />
        <button type="submit" className="button">
          {words.past.go}
        </button>
      </form>
      <form
        className="time-line"
        onSubmit={(event) => {
          event.preventDefault();
          if (revision.trim()) visit(fullRevision(revision.trim(), known));
        }}
      >
        <label htmlFor={`${id}-revision`}>{words.past.number}</label>
        <input
          id={`${id}-revision`}
          type="text"
          inputMode="numeric"
          required
          autoComplete="off"
          value={revision}
          onChange={(event) => setRevision(event.target.value)}
        />
        <button type="submit" className="button">
          {words.past.go}
        </button>
      </form>
      <p className="time-foot">
        <Link href={paths.changes} onClick={done}>
          {words.past.allChanges}
        </Link>
        {past && (
          <button type="button" className="button is-main" onClick={() => visit("")}>
            {words.past.back}
          </button>
        )}
      </p>
    </>
  );
}

/** The server's own token for a revision as people say it; what it does not know is passed on as it was typed. */
const fullRevision = (typed: string, known: Change[]): string =>
  known.find((each) => shortRevision(each.revision) === shortRevision(typed))?.revision ?? typed;

/** A time as the reader's own clock has it, for an input. */
function localText(time: number): string {
  const at = new Date(time);
  return new Date(time - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** The known revisions on a line, oldest first, with now at its end; it goes there when it is let go. */
function Slider({ known, past, pending }: { known: Change[]; past: Past | null; pending: boolean }) {
  const words = useWords();
  const id = useId();
  const end = known.length;
  // Of the revisions on the line, the newest that is not after the one that is shown.
  const stands = past === null ? end : Math.max(0, known.findLastIndex((each) => each.revision <= past.revision));
  const [at, setAt] = useState(stands);
  const settled = useRef(stands);
  const settling = useRef<number>(undefined);
  useEffect(() => () => window.clearTimeout(settling.current), []);
  // It follows the screen, unless the reader is moving it or it is ahead of the screen.
  useEffect(() => {
    if (pending || settling.current !== undefined) return;
    settled.current = stands;
    setAt(stands);
  }, [stands, pending]);
  const change = known[at];
  const settle = (position: number) => {
    window.clearTimeout(settling.current);
    settling.current = undefined;
    if (position === settled.current) return;
    settled.current = position;
    go(known[position]?.revision ?? "");
  };
  return (
    <div className="time-slider">
      <label htmlFor={id}>{words.past.slider}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={end}
        value={at}
        aria-valuetext={
          change ? words.past.valueText(shortRevision(change.revision), clock(change.time, words)) : words.past.now
        }
        onChange={(event) => {
          const position = event.target.valueAsNumber;
          setAt(position);
          // The arrow keys have no end of their own; the pointer's release comes first.
          window.clearTimeout(settling.current);
          settling.current = window.setTimeout(() => settle(position), 700);
        }}
        onPointerUp={(event) => settle(event.currentTarget.valueAsNumber)}
      />
      <p className="time-at">
        {change ? (
          <>
            <strong>{words.past.revision(shortRevision(change.revision))}</strong>
            <time dateTime={change.time}>{clock(change.time, words, { seconds: true })}</time>
            <span className="reason" title={change.reason}>
              {change.reason}
            </span>
          </>
        ) : (
          <strong>{words.past.now}</strong>
        )}
      </p>
      {known.length >= onLine && <p className="muted">{words.past.newestOnly(known.length)}</p>}
    </div>
  );
}

/** Says on every screen of the graph that this is not now, and leads back. */
export function PastBanner() {
  const words = useWords();
  const asOf = useAsOf();
  const { past, pending, failure } = useShownTime();
  if (asOf === null) return null;
  return (
    <div className="past-banner" role="status">
      <Icon name="past" size={16} />
      {past && !pending && (
        <>
          <strong>
            {words.past.banner(shortRevision(past.revision), clock(past.time, words, { seconds: true }))}
          </strong>
          <span className="muted">{words.past.explain}</span>
        </>
      )}
      {(pending || failure) && <strong>{failure ? words.past.failed : words.past.pending}</strong>}
      <span className="past-ways">
        {past && !isSameRevision(past.revision, BEGINNING) && (
          <Link href={paths.change(past.revision)}>{words.past.whatChanged}</Link>
        )}
        <button type="button" className="button" onClick={() => go("")}>
          {words.past.back}
        </button>
      </span>
    </div>
  );
}
