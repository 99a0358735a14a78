// Every screen is an address: the History API, links that behave as links, and the paths of the screens.

import { useEffect, useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from "react";

export const paths = {
  overview: "/",
  twins: "/twins",
  query: "/query",
  connections: "/connections",
  alerts: "/alerts",
  alert: (id: string): string => `/alerts/${encodeURIComponent(id)}`,
  violations: "/violations",
  twin: (iri: string): string => `/twin/${encodeURIComponent(iri)}`,
  property: (owner: string, iri: string): string => `${paths.twin(owner)}?property=${encodeURIComponent(iri)}`,
  connection: (iri: string): string => `/connections/${encodeURIComponent(iri)}`,
  twinsNamed: (text: string): string => `/twins?text=${encodeURIComponent(text)}`,
  violationsAt: (site: string): string => `/violations?site=${encodeURIComponent(site)}`,
  violationsOf: (shape: string): string => `/violations?rule=${encodeURIComponent(shape)}`,
  changes: "/changes",
  change: (revision: string): string => `/changes/${encodeURIComponent(revision)}`,
  difference: (from: string, to: string): string => `/changes/${encodeURIComponent(from)}..${encodeURIComponent(to)}`,
  changesOf: (twin: string): string => `/changes?twin=${encodeURIComponent(twin)}`,
  /** An address in the time told: a revision or a moment, the empty text for now. */
  at: (href: string, asOf: string): string => withAsOf(href, asOf),
};

export type Place =
  | { screen: "overview" | "twins" | "query" | "violations" | "unknown" }
  | { screen: "twin"; id: string }
  | { screen: "connections" | "changes" | "alerts"; id: string | null };

/** The screen that an address path names. */
export function placeOf(path: string): Place {
  const [first = "", rest] = path.slice(1).split("/", 2);
  const id = rest ? decode(rest) : null;
  if (first === "") return { screen: "overview" };
  if (first === "twin" && id !== null) return { screen: "twin", id };
  if (first === "connections" || first === "changes" || first === "alerts") return { screen: first, id };
  if (rest) return { screen: "unknown" };
  return first === "twins" || first === "query" || first === "violations" ? { screen: first } : { screen: "unknown" };
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null; // a damaged escape in a typed address names nothing
  }
}

function withAsOf(href: string, asOf: string): string {
  const target = new URL(href, location.href);
  target.searchParams.set("asOf", asOf);
  return target.pathname + target.search + target.hash;
}

/** The screens that show the graph can show it as it was. */
export const showsGraph = (path: string): boolean => /^\/(twins?|violations)(\/|$)/.test(path);

/** The time that the screen shows: a revision or a moment as the address has it, null for now. */
export function useAsOf(): string | null {
  const path = usePath();
  const asOf = useSearch().get("asOf");
  return showsGraph(path) ? asOf || null : null;
}

/** Where a link leads from here: between screens of the graph the time goes along unless the link names another. */
export function inTime(href: string): string {
  const target = new URL(href, location.href);
  const here = showsGraph(location.pathname) ? new URLSearchParams(location.search).get("asOf") : null;
  const named = target.searchParams.get("asOf");
  if (named === null && here && showsGraph(target.pathname)) target.searchParams.set("asOf", here);
  if (named === "" || !showsGraph(target.pathname)) target.searchParams.delete("asOf");
  return target.pathname + target.search + target.hash;
}

const changed = "twin:navigated";

export function navigate(href: string, { replace = false } = {}): void {
  const to = inTime(href);
  if (replace) history.replaceState(null, "", to);
  else if (to !== location.pathname + location.search + location.hash) history.pushState(null, "", to);
  window.dispatchEvent(new Event(changed));
}

function watch(notify: () => void): () => void {
  window.addEventListener("popstate", notify);
  window.addEventListener(changed, notify);
  return () => {
    window.removeEventListener("popstate", notify);
    window.removeEventListener(changed, notify);
  };
}

export const usePath = (): string => useSyncExternalStore(watch, () => location.pathname);
export const useSearch = (): URLSearchParams => new URLSearchParams(useSyncExternalStore(watch, () => location.search));

export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  useSearch(); // the time that goes along is in it
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const own = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !own) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={inTime(href)} onClick={follow} {...rest} />;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Twin` : "Twin";
  }, [title]);
}
