// The search that is always in reach: `/` from anywhere, hits with the places they stand in.

import { useEffect, useId, useRef, useState } from "react";
import { SEARCH } from "../documents";
import { useQuery } from "../fetching";
import { classLabels, placeText } from "../format";
import { navigate, paths, useAsOf } from "../routing";
import type { TwinHit, TwinName } from "../schema";
import { useWords } from "../words";
import { FamilyIcon, Icon } from "./icons";

interface Hit {
  key: string;
  href: string;
  group: "twins" | "properties" | "all";
  name: string;
  owner?: TwinHit;
}

function hitsOf(
  answer: { twins: { nodes: TwinHit[] }; properties: { nodes: (TwinName & { owner: TwinHit })[] } } | null,
): Hit[] {
  if (!answer) return [];
  const twins = answer.twins.nodes.map((twin): Hit => ({
    key: twin.id,
    href: paths.twin(twin.id),
    group: "twins",
    name: twin.name,
    owner: twin,
  }));
  const properties = answer.properties.nodes.map((each): Hit => ({
    key: each.id,
    href: paths.property(each.owner.id, each.id),
    group: "properties",
    name: each.name,
    owner: each.owner,
  }));
  return [...twins, ...properties];
}

function useDebounced(text: string, milliseconds: number): string {
  const [settled, settle] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => settle(text), milliseconds);
    return () => window.clearTimeout(timer);
  }, [text, milliseconds]);
  return settled;
}

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

export function Search() {
  const words = useWords();
  const input = useRef<HTMLInputElement>(null);
  const asOf = useAsOf();
  const list = useId();
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const wanted = useDebounced(text.trim(), 150);
  const { data, loading, failure } = useQuery(SEARCH, wanted && open ? { text: wanted, asOf } : null);
  const hits = hitsOf(wanted ? data : null);
  const total = data?.twins.totalCount ?? 0;
  if (data && total > data.twins.nodes.length)
    hits.push({ key: "all", href: paths.twinsNamed(wanted), group: "all", name: words.search.all(total) });
  const chosen = Math.min(at, hits.length - 1);
  const shown = open && wanted !== "";

  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      event.preventDefault();
      input.current?.select();
    };
    window.addEventListener("keydown", focus);
    return () => window.removeEventListener("keydown", focus);
  }, []);

  const go = (href: string) => {
    setOpen(false);
    setText("");
    input.current?.blur();
    navigate(href);
  };

  const keys = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && hits.length) {
      event.preventDefault();
      setAt((chosen + step + hits.length) % hits.length);
    } else if (event.key === "Enter" && text.trim()) {
      const hit = wanted === text.trim() ? hits[chosen] : undefined;
      go(hit ? hit.href : paths.twinsNamed(text.trim()));
    } else if (event.key === "Escape") {
      setOpen(false);
      input.current?.blur();
    }
  };

  return (
    <div className="search" role="search">
      <Icon name="search" size={16} />
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label={words.search.label}
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={shown && hits[chosen] ? `${list}-${chosen}` : undefined}
        placeholder={words.search.placeholder}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={keys}
      />
      <kbd aria-hidden="true">/</kbd>
      {shown && (
        <div className="search-hits" id={list} role="listbox" aria-label={words.search.label}>
          {hits.map((hit, index) => (
            <div key={hit.key} role="presentation">
              {hit.group !== "all" && hit.group !== hits[index - 1]?.group && (
                <div className="search-group">{words.search[hit.group]}</div>
              )}
              <div
                id={`${list}-${index}`}
                role="option"
                aria-selected={index === chosen}
                className={index === chosen ? "hit is-chosen" : "hit"}
                onMouseDown={(event) => event.preventDefault()}
                onMouseEnter={() => setAt(index)}
                onClick={() => go(hit.href)}
              >
                {hit.owner && <FamilyIcon family={hit.owner.family} />}
                <span className="hit-name">{hit.name}</span>
                {hit.owner && (
                  <span className="hit-class">
                    {hit.group === "twins" ? classLabels(hit.owner.classes) : hit.owner.name}
                  </span>
                )}
                {hit.owner && <span className="hit-place">{placeText(hit.owner.site.name, hit.owner.path)}</span>}
              </div>
            </div>
          ))}
          {hits.length === 0 && (
            <p className="search-none">
              {failure
                ? failure.message || words.failure.unreachable
                : loading || wanted !== text.trim()
                  ? words.search.searching
                  : words.search.none(wanted)}
            </p>
          )}
        </div>
      )}
    </div>
  );
}
