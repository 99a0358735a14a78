// Filters of a list, kept in the address: a text, a choice of a few, the sites of this server.

import { useEffect, useState, type ReactNode } from "react";
import { SITE_NAMES } from "../documents";
import { useQuery } from "../fetching";
import { usePast } from "../past";
import { navigate, useSearch } from "../routing";
import type { SiteName } from "../schema";
import { useWords } from "../words";
import { Icon } from "./icons";

export interface Filters {
  get: (name: string) => string | null;
  /** Null and the empty text take the filter away. */
  set: (changes: Record<string, string | null>) => void;
}

/** The filters that the address of a screen carries. */
export function useFilters(path: string): Filters {
  const search = useSearch();
  return {
    get: (name) => search.get(name) || null,
    set: (changes) => {
      const next = new URLSearchParams(search);
      for (const [name, value] of Object.entries(changes)) {
        if (value) next.set(name, value);
        else next.delete(name);
      }
      navigate(next.size ? `${path}?${next}` : path, { replace: true });
    },
  };
}

export function ChoiceFilter({
  label,
  value,
  choices,
  apply,
}: {
  label: string;
  value: string | null;
  /** What can be chosen, by value; the empty value stands for all. */
  choices: readonly (readonly [value: string, word: string])[];
  apply: (value: string) => void;
}) {
  return (
    <select aria-label={label} value={value ?? ""} onChange={(event) => apply(event.target.value)}>
      {choices.map(([each, word]) => (
        <option key={each} value={each}>
          {word}
        </option>
      ))}
    </select>
  );
}

/** The sites there are in the time that the screen shows. */
export function useSites(): SiteName[] {
  return useQuery(SITE_NAMES, { asOf: usePast()?.asOf ?? null }).data?.sites ?? [];
}

/** Nothing to choose where there is one site and none was chosen. */
export function SiteFilter({ filters }: { filters: Filters }) {
  const words = useWords();
  const sites = useSites();
  const site = filters.get("site");
  if (sites.length <= 1 && !site) return null;
  return (
    <ChoiceFilter
      label={words.twins.site}
      value={site}
      choices={[["", words.twins.allSites], ...sites.map(({ id, name }) => [id, name] as const)]}
      apply={(value) => filters.set({ site: value })}
    />
  );
}

/** A text that becomes a filter when typing pauses. */
export function TextFilter({ label, text, apply }: { label: string; text: string; apply: (text: string) => void }) {
  const [typed, type] = useState(text);
  useEffect(() => type(text), [text]);
  useEffect(() => {
    if (typed.trim() === text) return;
    const timer = window.setTimeout(() => apply(typed.trim()), 250);
    return () => window.clearTimeout(timer);
  }, [typed]);
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={(event) => type(event.target.value)}
    />
  );
}

/** A filter that was set elsewhere, in words, with the way to take it off. */
export function SetFilter({ label, children, clear }: { label: string; children: ReactNode; clear: () => void }) {
  const words = useWords();
  return (
    <span className="set-filter">
      <span className="muted">{label}</span> {children}
      <button type="button" className="icon-button" onClick={clear} aria-label={words.more.unset(label)}>
        <Icon name="close" size={12} />
      </button>
    </span>
  );
}
