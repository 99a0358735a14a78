// The left panel of the twins screen: an ARIA tree, walked with the arrow keys.

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { PLACE, REVISION } from "../../documents";
import { useQuery } from "../../fetching";
import { classLabels } from "../../format";
import { FamilyIcon, Icon } from "../../parts/icons";
import { usePast } from "../../past";
import { inTime, navigate, paths } from "../../routing";
import type { Family } from "../../schema";
import { useWords } from "../../words";
import { PlaceTree, type Row } from "./place-tree";

const present = new PlaceTree(null);
let visited: PlaceTree = present;

/** The tree of a time: that of now is kept for good, that of the past until another past is visited. */
function treeOf(asOf: string | null): PlaceTree {
  if (asOf === null) return present;
  if (visited.asOf !== asOf) visited = new PlaceTree(asOf);
  return visited;
}

/** The twin on the page, so that the tree shows it even when it was reached from elsewhere. */
interface Chosen {
  id: string;
  name: string;
  family: Family;
  hasContents: boolean;
}

export function TreePanel({ twin }: { twin: Chosen | null }) {
  const words = useWords();
  const past = usePast();
  const tree = treeOf(past?.asOf ?? null);
  const rows = useSyncExternalStore(tree.watch, tree.rows);
  const [focused, focus] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const { data: place } = useQuery(PLACE, twin ? { id: twin.id, asOf: tree.asOf } : null);
  const { data: graph } = useQuery(REVISION, past ? null : {}, { every: 10 });

  useEffect(() => void tree.start(), [tree]);
  useEffect(() => {
    if (graph && tree.asOf === null) void tree.follow(graph.revision);
  }, [graph, tree]);
  useEffect(() => {
    if (!place?.twin || !twin) return;
    const { site, path } = place.twin;
    const reveal = tree.reveal(
      site.id,
      path.map((each) => each.id),
      { ...twin, classes: [] },
    );
    void reveal.then(() => window.setTimeout(() => bringIntoView(list.current), 0));
  }, [place, twin, tree]);

  const current = rows.find((row) => row.key === focused) ?? rows.find((row) => row.key === twin?.id) ?? rows[0];

  const move = (row: Row | undefined) => {
    if (!row) return;
    focus(row.key);
    list.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(row.key)}"]`)?.focus();
  };

  const keys = (event: React.KeyboardEvent) => {
    if (!current) return;
    const at = rows.indexOf(current);
    const expandable = (current.kind === "twin" && current.twin.hasContents) || current.kind === "site";
    const expanded = "expanded" in current && current.expanded;
    const act: Record<string, () => void> = {
      ArrowDown: () => move(rows[at + 1]),
      ArrowUp: () => move(rows[at - 1]),
      Home: () => move(rows[0]),
      End: () => move(rows.at(-1)),
      ArrowRight: () => (expandable && !expanded ? void tree.open(current.key) : expanded && move(rows[at + 1])),
      ArrowLeft: () => (expanded ? tree.close(current.key) : move(rows.find((row) => row.key === current.parent))),
      Enter: () => activate(tree, current),
      " ": () => activate(tree, current),
    };
    const action = act[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  };

  return (
    <div className="tree" role="tree" aria-label={words.tree.label} ref={list} onKeyDown={keys}>
      {rows.map((row) => (
        <TreeRow
          key={row.key}
          tree={tree}
          row={row}
          selected={row.key === twin?.id}
          tabbable={row === current}
          onFocus={() => focus(row.key)}
        />
      ))}
    </div>
  );
}

/** The chosen row, in the middle when it was out of sight and where it is when it was not. */
function bringIntoView(list: HTMLElement | null): void {
  const row = list?.querySelector("[aria-selected=true]");
  const panel = list?.parentElement;
  if (!row || !panel) return;
  const box = panel.getBoundingClientRect();
  const { top, bottom } = row.getBoundingClientRect();
  if (top < box.top || bottom > box.bottom) panel.scrollTop += (top + bottom) / 2 - (box.top + box.bottom) / 2;
}

function activate(tree: PlaceTree, row: Row): void {
  if (row.kind === "twin") navigate(paths.twin(row.twin.id));
  else if (row.kind === "more" && row.parent) void tree.more(row.parent);
  else if (row.kind === "failed") tree.retry(row.parent);
  else if (row.kind === "site") toggle(tree, row);
}

function toggle(tree: PlaceTree, row: Row & { expanded: boolean }): void {
  if (row.expanded) tree.close(row.key);
  else void tree.open(row.key);
}

function TreeRow({
  tree,
  row,
  selected,
  tabbable,
  onFocus,
}: {
  tree: PlaceTree;
  row: Row;
  selected: boolean;
  tabbable: boolean;
  onFocus: () => void;
}) {
  const words = useWords();
  const expandable = row.kind === "site" || (row.kind === "twin" && row.twin.hasContents);
  const shared = {
    role: "treeitem",
    "aria-level": row.depth + 1,
    "aria-selected": selected,
    ...(expandable && "expanded" in row ? { "aria-expanded": row.expanded } : {}),
    "data-key": row.key,
    tabIndex: tabbable ? 0 : -1,
    onFocus,
    style: { paddingInlineStart: 8 + row.depth * 16 },
  };
  const twist = (
    <span
      className="twist"
      aria-hidden="true"
      onClick={(event) => {
        if (!expandable || !("expanded" in row)) return;
        event.preventDefault();
        event.stopPropagation();
        toggle(tree, row);
      }}
    >
      {expandable && <Icon name="chevron" size={14} />}
    </span>
  );

  if (row.kind === "loading")
    return (
      <div {...shared} className="tree-row is-note" aria-busy="true">
        {twist}
        {words.more.loading}
      </div>
    );
  if (row.kind === "site")
    return (
      <div {...shared} className="tree-row is-site" onClick={() => toggle(tree, row)}>
        {twist}
        <Icon name="site" size={16} />
        <span className="tree-name">{row.site.name}</span>
      </div>
    );
  if (row.kind === "twin")
    return (
      <a
        {...shared}
        href={inTime(paths.twin(row.twin.id))}
        className={`tree-row${selected ? " is-selected" : ""}${row.beyond ? " is-beyond" : ""}`}
        title={`${row.twin.name}${row.twin.classes.length ? `, ${classLabels(row.twin.classes)}` : ""}`}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
          event.preventDefault();
          activate(tree, row);
        }}
      >
        {twist}
        <FamilyIcon family={row.twin.family} />
        <span className="tree-name">{row.twin.name}</span>
      </a>
    );
  return (
    <div {...shared} className="tree-row is-note" onClick={() => activate(tree, row)}>
      {twist}
      {row.kind === "more" ? (
        <span>
          {words.more.shown(row.shown, row.total)} – <u>{row.loading ? words.more.loading : words.more.more}</u>
        </span>
      ) : (
        <span>
          {words.tree.failed} – <u>{words.tree.retry}</u>
        </span>
      )}
    </div>
  );
}
