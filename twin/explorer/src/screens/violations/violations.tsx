// Where the model breaks a rule: by rule or by twin, each place with what was found and what to do. The filters and
// the grouping are in the address.

import { useState } from "react";
import { BREAKERS, VIOLATIONS } from "../../documents";
import { useQuery } from "../../fetching";
import { shortName } from "../../format";
import { usePages } from "../../paging";
import { ChoiceFilter, SetFilter, SiteFilter, useFilters, type Filters } from "../../parts/filters";
import { Empty } from "../../parts/notices";
import { Paged } from "../../parts/paged";
import { usePast } from "../../past";
import { Link, paths, useTitle } from "../../routing";
import type { Repair, Violation, ViolationGroup } from "../../schema";
import { nodeName, pageOf } from "../../statements";
import { useWords } from "../../words";
import { Audits } from "./audits";
import { Repaired } from "./repaired";
import { ViolationRows } from "./violation-rows";

const pageSize = 100;
const severities = ["violation", "warning", "info"] as const;

export function Violations() {
  const words = useWords();
  useTitle(words.violations.title);
  const filters = useFilters(paths.violations);
  const site = filters.get("site");
  const rule = filters.get("rule");
  const severity = filters.get("severity");
  const twin = filters.get("twin");
  const byTwin = filters.get("by") === "twin";
  const past = usePast();
  const asOf = past?.asOf ?? null;
  const [last, setLast] = useState<Repair | null>(null);
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set());
  const listed = usePages(
    VIOLATIONS,
    { site, shape: rule, severity, twin, first: pageSize, asOf },
    (found) => found.violations,
    { every: past ? 0 : 15 },
  );
  const repaired = (violation: Violation, repair: Repair) => {
    setGone(new Set([...gone, violation.id]));
    setLast(repair);
    listed.again();
  };
  const { answer, total } = listed;
  const items = listed.items.filter((each) => !gone.has(each.id));
  const groups = answer?.violations.groups ?? [];
  const filtered = [site, rule, severity, twin].some(Boolean);
  return (
    <div className="content">
      <header className="screen-head">
        <h1>{words.violations.title}</h1>
        {answer && <p className="muted">{words.violations.total(total ?? 0)}</p>}
      </header>
      <div className="filters">
        <Grouping filters={filters} byTwin={byTwin} />
        <SiteFilter filters={filters} />
        <ChoiceFilter
          label={words.columns.severity}
          value={severity}
          choices={[
            ["", words.violations.allSeverities],
            ...severities.map((each) => [each, words.violations.severity[each] ?? each] as const),
          ]}
          apply={(value) => filters.set({ severity: value })}
        />
        {twin && (
          <SetFilter label={words.columns.twin} clear={() => filters.set({ twin: null })}>
            <Link href={paths.twin(pageOf(twin))} title={twin}>
              {nodeName(twin)}
            </Link>
          </SetFilter>
        )}
        {rule && byTwin && (
          <SetFilter label={words.columns.rule} clear={() => filters.set({ rule: null })}>
            <span title={rule}>{groups.find((group) => group.shape === rule)?.rule ?? shortName(rule)}</span>
          </SetFilter>
        )}
      </div>
      <Repaired repair={last} />
      <div className={groups.length > 0 ? "beside" : ""}>
        {groups.length > 0 && (byTwin ? <ByTwin filters={filters} /> : <ByRule groups={groups} filters={filters} />)}
        <div className="stack">
          <Paged
            listed={{ ...listed, items }}
            empty={
              <Empty title={words.violations.none}>
                {filtered ? (
                  <Link href={paths.violations}>{words.twins.clear}</Link>
                ) : past ? (
                  words.violations.noneThen
                ) : (
                  words.violations.noneExplain
                )}
              </Empty>
            }
          >
            {(rows) =>
              groupsOf(rows, byTwin).map(({ key, title, found }) => (
                <ViolationRows
                  key={key}
                  title={title}
                  count={byTwin ? null : (groups.find((group) => ruleKey(group) === key)?.count ?? null)}
                  items={found}
                  by={byTwin ? "twin" : "rule"}
                  repaired={repaired}
                />
              ))
            }
          </Paged>
        </div>
      </div>
      <Audits site={site} />
    </div>
  );
}

const ruleKey = (of: Pick<ViolationGroup, "shape" | "rule" | "severity" | "source">): string =>
  [of.shape, of.rule, of.severity, of.source].join(" ");

function groupsOf(items: Violation[], byTwin: boolean): { key: string; title: string; found: Violation[] }[] {
  const groups = new Map<string, Violation[]>();
  for (const each of items) {
    const key = byTwin ? each.twin : ruleKey(each);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups].map(([key, found]) => ({
    key,
    title: byTwin ? nodeName(found[0]!.twin) : found[0]!.rule,
    found,
  }));
}

function Grouping({ filters, byTwin }: { filters: Filters; byTwin: boolean }) {
  const words = useWords();
  return (
    <div className="choice" role="radiogroup" aria-label={words.violations.grouping}>
      {([false, true] as const).map((each) => (
        <label key={String(each)} className={each === byTwin ? "is-on" : ""}>
          <input
            type="radio"
            name="grouping"
            checked={each === byTwin}
            onChange={() => filters.set({ by: each ? "twin" : null })}
          />
          {each ? words.violations.byTwin : words.violations.groups}
        </label>
      ))}
    </div>
  );
}

interface Line {
  key: string;
  name: string;
  detail: string | null;
  count: number | null;
  on: boolean;
  choose: () => void;
}

function Lines({ label, lines }: { label: string; lines: Line[] }) {
  const words = useWords();
  return (
    <ul className="panel cards" aria-label={label}>
      {lines.map(({ key, name, detail, count, on, choose }) => (
        <li key={key}>
          <button type="button" className={on ? "card is-selected" : "card"} aria-pressed={on} onClick={choose}>
            <span className="card-line">
              <span title={detail ?? undefined}>{name}</span>
              <span className="tabular">{count?.toLocaleString(words.tag)}</span>
            </span>
            {detail && (
              <span className="card-line muted">
                <code>{shortName(detail)}</code>
              </span>
            )}
          </button>
        </li>
      ))}
    </ul>
  );
}

function ByRule({ groups, filters }: { groups: ViolationGroup[]; filters: Filters }) {
  const words = useWords();
  const rule = filters.get("rule");
  const all = {
    key: "",
    name: words.violations.showAll,
    detail: null,
    count: groups.reduce((sum, group) => sum + group.count, 0),
    on: rule === null,
    choose: () => filters.set({ rule: null }),
  };
  const each = groups.map((group) => ({
    key: ruleKey(group),
    name: group.rule,
    detail: group.shape,
    count: group.count,
    on: rule === group.shape,
    choose: () => filters.set({ rule: group.shape }),
  }));
  return <Lines label={words.violations.groups} lines={[all, ...each]} />;
}

function ByTwin({ filters }: { filters: Filters }) {
  const words = useWords();
  const twin = filters.get("twin");
  const past = usePast();
  const { data } = useQuery(
    BREAKERS,
    {
      site: filters.get("site"),
      shape: filters.get("rule"),
      severity: filters.get("severity"),
      first: pageSize,
      asOf: past?.asOf ?? null,
    },
    { every: past ? 0 : 15 },
  );
  const breakers = data?.violations.twins ?? [];
  const all = {
    key: "",
    name: words.violations.allTwins,
    detail: null,
    count: data?.violations.totalCount ?? null,
    on: twin === null,
    choose: () => filters.set({ twin: null }),
  };
  const each = breakers.map((node) => ({
    key: node.twin,
    name: nodeName(node.twin),
    detail: null,
    count: node.count,
    on: twin === node.twin,
    choose: () => filters.set({ twin: node.twin }),
  }));
  return <Lines label={words.violations.byTwin} lines={[all, ...each]} />;
}
