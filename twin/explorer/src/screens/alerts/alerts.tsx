// What is worth a person's attention: the alerts that stand, and beside them ONE alert with what follows from it and
// everything that was done to it. The filters are in the address.

import { ALERTS } from "../../documents";
import { clock } from "../../format";
import { usePages } from "../../paging";
import { ChoiceFilter, SiteFilter, TextFilter, useFilters } from "../../parts/filters";
import { Empty } from "../../parts/notices";
import { Paged } from "../../parts/paged";
import { alertState, StateMark } from "../../parts/state-mark";
import { Link, paths, useSearch, useTitle } from "../../routing";
import type { AlertBrief, AlertKind, AlertSeverity, AlertStateName } from "../../schema";
import { useWords } from "../../words";
import { AlertPage } from "./alert-page";

const pageSize = 50;
const severities: AlertSeverity[] = ["CRITICAL", "WARNING", "NOTICE"];
const kinds: AlertKind[] = ["CONNECTION", "STORAGE", "BREACH", "UNAVAILABLE", "QUALITY", "VIOLATION"];
const states: Record<string, AlertStateName[]> = {
  "": ["RAISED", "ACKNOWLEDGED"],
  RAISED: ["RAISED"],
  ACKNOWLEDGED: ["ACKNOWLEDGED"],
  SHELVED: ["SHELVED"],
  CLEARED: ["CLEARED"],
};

export function Alerts({ id }: { id: string | null }) {
  const words = useWords();
  useTitle(words.alerts.title);
  const filters = useFilters(id === null ? paths.alerts : paths.alert(id));
  const chosen = (name: string) => filters.get(name);
  const kind = chosen("kind") as AlertKind | null;
  const severity = chosen("severity") as AlertSeverity | null;
  const state = chosen("state") ?? "";
  const listed = usePages(
    ALERTS,
    {
      states: states[state] ?? states[""]!,
      kinds: kind && kinds.includes(kind) ? [kind] : null,
      severities: severity && severities.includes(severity) ? [severity] : null,
      site: chosen("site"),
      text: chosen("text"),
      about: chosen("about"),
      first: pageSize,
    },
    (found) => found.alerts,
    { every: 3 },
  );
  return (
    <div className="content">
      <header className="screen-head">
        <h1>{words.alerts.title}</h1>
        {listed.answer && <p className="muted">{words.alerts.total(listed.total ?? 0)}</p>}
      </header>
      <div className="filters">
        <ChoiceFilter
          label={words.columns.state}
          value={state}
          choices={[
            ["", words.alerts.standing],
            ...Object.keys(states)
              .filter(Boolean)
              .map((each) => [each, words.alerts.states[each as AlertStateName]] as const),
          ]}
          apply={(value) => filters.set({ state: value })}
        />
        <ChoiceFilter
          label={words.columns.severity}
          value={severity}
          choices={[["", words.alerts.allSeverities], ...severities.map((each) => [each, words.alerts.severities[each]] as const)]}
          apply={(value) => filters.set({ severity: value })}
        />
        <ChoiceFilter
          label={words.alerts.kind}
          value={kind}
          choices={[["", words.alerts.allKinds], ...kinds.map((each) => [each, words.alerts.kinds[each]] as const)]}
          apply={(value) => filters.set({ kind: value })}
        />
        <SiteFilter filters={filters} />
        <TextFilter label={words.alerts.text} text={chosen("text") ?? ""} apply={(text) => filters.set({ text })} />
      </div>
      <div className="beside">
        <div>
          <Paged listed={listed} empty={<Empty title={words.alerts.none}>{words.alerts.noneExplain}</Empty>}>
            {(items) => (
              <ul className="panel cards" aria-label={words.alerts.title}>
                {items.map((each) => (
                  <li key={each.id}>
                    <AlertCard alert={each} selected={each.id === id} />
                  </li>
                ))}
              </ul>
            )}
          </Paged>
        </div>
        {id === null ? (
          <div className="panel">
            <Empty>{words.alerts.choose}</Empty>
          </div>
        ) : (
          <AlertPage key={id} id={id} changed={listed.again} />
        )}
      </div>
    </div>
  );
}

function AlertCard({ alert, selected }: { alert: AlertBrief; selected: boolean }) {
  const words = useWords();
  const search = useSearch().toString();
  const href = paths.alert(alert.id) + (search ? `?${search}` : "");
  return (
    <Link href={href} aria-current={selected ? "true" : undefined} className={selected ? "card is-selected" : "card"}>
      <span className="card-line">
        <strong className="alert-message">
          {alert.message}
        </strong>
      </span>
      <span className="card-line muted">
        <span>
          <StateMark state={alertState(alert.severity)} word={words.alerts.severities[alert.severity]} />
          {" · "}
          {words.alerts.kinds[alert.kind]}
          {" · "}
          {words.alerts.states[alert.state]}
          {alert.assigned && ` · ${alert.assigned}`}
        </span>
        <span className="tabular">{clock(alert.since, words)}</span>
      </span>
      {alert.consequences.totalCount > 0 && (
        <span className="card-line muted">{words.alerts.consequences(alert.consequences.totalCount)}</span>
      )}
    </Link>
  );
}
