// Every screen is an address: the History API, links that behave as links, and the paths of the screens.

import { useEffect, useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from "react";

export const paths = {
  overview: "/",
  twins: "/twins",
  query: "/query",
  connections: "/connections",
  violations: "/violations",
  twin: (iri: string): string => `/twin/${encodeURIComponent(iri)}`,
  property: (owner: string, iri: string): string => `${paths.twin(owner)}?property=${encodeURIComponent(iri)}`,
  connection: (iri: string): string => `/connections/${encodeURIComponent(iri)}`,
  twinsNamed: (text: string): string => `/twins?text=${encodeURIComponent(text)}`,
  violationsAt: (site: string): string => `/violations?site=${encodeURIComponent(site)}`,
};

export type Place =
  | { screen: "overview" | "twins" | "query" | "violations" | "unknown" }
  | { screen: "twin"; id: string }
  | { screen: "connections"; id: string | null };

/** The screen that an address path names. */
export function placeOf(path: string): Place {
  const [first = "", rest] = path.slice(1).split("/", 2);
  const id = rest ? decode(rest) : null;
  if (first === "") return { screen: "overview" };
  if (first === "twin" && id !== null) return { screen: "twin", id };
  if (first === "connections") return { screen: "connections", id };
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

const changed = "twin:navigated";

export function navigate(to: string, { replace = false } = {}): void {
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
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const own = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !own) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Twin` : "Twin";
  }, [title]);
}
