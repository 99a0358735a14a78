// The tree by place, level by level: only what was opened is asked for, a page at a time, and kept between screens.

import { CONTENTS, SITE_NAMES, SITE_ROOTS } from "../../documents";
import { ask } from "../../fetching";
import type { SiteName, TwinBrief } from "../../schema";

const pageSize = 100;
const mostPagesToReveal = 10;

interface Level {
  items: TwinBrief[];
  total: number;
  after: string | null;
  state: "loading" | "ready" | "failed";
}

export type Row = { key: string; depth: number; parent: string | null } & (
  | { kind: "site"; site: SiteName; expanded: boolean }
  | { kind: "twin"; twin: TwinBrief; expanded: boolean; beyond: boolean }
  | { kind: "more"; shown: number; total: number; loading: boolean }
  | { kind: "loading" }
  | { kind: "failed" }
);

const siteKey = (id: string): string => `site:${id}`;

export class PlaceTree {
  private sites: SiteName[] | null = null;
  private failed = false;
  private revision: string | null = null;
  private readonly levels = new Map<string, Level>();
  private readonly expanded = new Set<string>();
  /** A twin that stands beyond the loaded pages of its level, shown at the level's end. */
  private readonly beyond = new Map<string, TwinBrief>();
  private readonly watchers = new Set<() => void>();
  private readonly running = new Map<string, Promise<void>>();
  private drawn: Row[] | null = null;

  /** `asOf`: a moment of the past, whose tree never changes; null for now. */
  constructor(readonly asOf: string | null) {}

  watch = (notify: () => void): (() => void) => {
    this.watchers.add(notify);
    return () => this.watchers.delete(notify);
  };

  /** The rows on screen, from top to bottom; the same array until something changes. */
  rows = (): Row[] => (this.drawn ??= this.draw());

  async start(): Promise<void> {
    if (!this.sites) await this.once("start", () => this.loadSites());
  }

  private async loadSites(): Promise<void> {
    try {
      this.sites = (await ask(SITE_NAMES, { asOf: this.asOf })).sites;
      this.failed = false;
      if (this.sites.length === 1 && this.sites[0]) await this.open(siteKey(this.sites[0].id));
    } catch {
      this.failed = true; // the row says so and offers to try again
    }
    this.change();
  }

  /** Work that is under way is joined, not begun a second time. */
  private once(key: string, work: () => Promise<void>): Promise<void> {
    const running = this.running.get(key) ?? work().finally(() => this.running.delete(key));
    this.running.set(key, running);
    return running;
  }

  async open(key: string): Promise<void> {
    this.expanded.add(key);
    this.change();
    if (this.running.has(key) || !this.levels.has(key)) await this.more(key);
  }

  close(key: string): void {
    this.expanded.delete(key);
    this.change();
  }

  /** Loads the next page of a level. */
  more(key: string): Promise<void> {
    return this.once(key, () => this.loadPage(key));
  }

  private async loadPage(key: string): Promise<void> {
    const level = this.levels.get(key) ?? { items: [], total: 0, after: null, state: "ready" };
    this.put(key, { ...level, state: "loading" });
    try {
      const next = await this.page(key, level.after);
      const items = [...level.items, ...next.items];
      this.put(key, { items, total: next.total, after: next.after, state: "ready" });
      if (items.length === 1 && items[0]?.hasContents && key.startsWith("site:")) await this.open(items[0].id);
    } catch {
      this.put(key, { ...level, state: "failed" }); // the row says so and offers to try again
    }
  }

  retry(key: string | null): void {
    if (key === null) void this.start();
    else void this.more(key);
  }

  /** Opens every place on the way to a twin, so that its row is on screen. */
  async reveal(site: string, path: string[], twin: TwinBrief): Promise<void> {
    await this.start();
    let parent = siteKey(site);
    for (const id of [...path, twin.id]) {
      await this.open(parent);
      for (let page = 0; page < mostPagesToReveal && !this.holds(parent, id) && this.levels.get(parent)?.after; page++)
        await this.more(parent);
      if (!this.holds(parent, id)) {
        if (id === twin.id) this.beyond.set(parent, twin);
        break;
      }
      parent = id;
    }
    this.change();
  }

  /** Asks again for everything that is open when the graph has changed. */
  async follow(revision: string): Promise<void> {
    const before = this.revision;
    this.revision = revision;
    if (before === null || before === revision) return;
    const sites = await ask(SITE_NAMES, { asOf: this.asOf }).catch(() => null);
    if (!sites) return;
    this.sites = sites.sites;
    for (const [key, level] of [...this.levels]) {
      const fresh = await this.page(key, null, Math.max(pageSize, level.items.length)).catch(() => null);
      if (fresh) this.put(key, { ...fresh, state: "ready" });
    }
    this.change();
  }

  private async page(key: string, after: string | null, first = pageSize): Promise<Omit<Level, "state">> {
    if (key.startsWith("site:")) {
      const { site } = await ask(SITE_ROOTS, { site: key.slice(5), asOf: this.asOf });
      const items = site?.roots ?? [];
      return { items, total: items.length, after: null };
    }
    const { twin } = await ask(CONTENTS, { id: key, first, after, asOf: this.asOf });
    if (!twin) return { items: [], total: 0, after: null };
    const { nodes, totalCount, pageInfo } = twin.contents;
    return { items: nodes, total: totalCount, after: pageInfo.hasNextPage ? pageInfo.endCursor : null };
  }

  private holds(key: string, id: string): boolean {
    return this.levels.get(key)?.items.some((item) => item.id === id) ?? false;
  }

  private put(key: string, level: Level): void {
    this.levels.set(key, level);
    const beyond = this.beyond.get(key);
    if (beyond && this.holds(key, beyond.id)) this.beyond.delete(key);
    this.change();
  }

  private change(): void {
    this.drawn = null;
    this.watchers.forEach((notify) => notify());
  }

  private draw(): Row[] {
    if (!this.sites) return [{ kind: this.failed ? "failed" : "loading", key: "start", depth: 0, parent: null }];
    const rows: Row[] = [];
    for (const site of this.sites) {
      const key = siteKey(site.id);
      const expanded = this.expanded.has(key);
      rows.push({ kind: "site", key, depth: 0, parent: null, site, expanded });
      if (expanded) this.drawLevel(key, 1, rows);
    }
    return rows;
  }

  private drawLevel(parent: string, depth: number, rows: Row[]): void {
    const level = this.levels.get(parent);
    const beyond = this.beyond.get(parent);
    const drawTwin = (twin: TwinBrief, isBeyond: boolean) => {
      const expanded = this.expanded.has(twin.id) && twin.hasContents;
      rows.push({ kind: "twin", key: twin.id, depth, parent, twin, expanded, beyond: isBeyond });
      if (expanded) this.drawLevel(twin.id, depth + 1, rows);
    };
    for (const twin of level?.items ?? []) drawTwin(twin, false);
    const shown = level?.items.length ?? 0;
    if (level?.state === "failed") rows.push({ kind: "failed", key: `${parent} failed`, depth, parent });
    else if (!level || (level.state === "loading" && shown === 0))
      rows.push({ kind: "loading", key: `${parent} loading`, depth, parent });
    else if (shown < level.total)
      rows.push({
        kind: "more",
        key: `${parent} more`,
        depth,
        parent,
        shown,
        total: level.total,
        loading: level.state === "loading",
      });
    if (beyond) drawTwin(beyond, true);
  }
}
