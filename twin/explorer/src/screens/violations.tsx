// Where the model breaks a rule: counted by rule, then each place with what was found and what to do.

import { AUDITS, SITES, VIOLATIONS } from "../documents";
import { useQuery } from "../fetching";
import { localName, shortName } from "../format";
import { usePages } from "../paging";
import { Empty, FailureNotice, More, Panel, Skeleton } from "../parts/notices";
import { severityState, StateMark } from "../parts/state-mark";
import { Link, navigate, paths, useSearch, useTitle } from "../routing";
import type { Violation, ViolationGroup } from "../schema";
import { useWords } from "../words";

const pageSize = 100;

export function Violations() {
  const words = useWords();
  useTitle(words.violations.title);
  const search = useSearch();
  const site = search.get("site");
  const rule = search.get("rule");
  const { data: known } = useQuery(SITES, {});
  const { items, total, more, busy, loading, failure, again, answer } = usePages(
    VIOLATIONS,
    { site, first: pageSize },
    (found) => found.violations,
    { every: 15 },
  );

  const filter = (name: string, value: string | null) => {
    const next = new URLSearchParams(search);
    if (value) next.set(name, value);
    else next.delete(name);
    navigate(next.size ? `${paths.violations}?${next}` : paths.violations, { replace: true });
  };

  const sites = known?.sites ?? [];
  const groups = answer?.violations.groups ?? [];
  const chosen = groups.filter((group) => rule === null || group.shape === rule);
  return (
    <div className="content">
      <header className="screen-head">
        <h1>{words.violations.title}</h1>
        {answer && <p className="muted">{words.violations.total(total)}</p>}
      </header>
      {(sites.length > 1 || site) && (
        <div className="filters">
          <select
            aria-label={words.twins.site}
            value={site ?? ""}
            onChange={(event) => filter("site", event.target.value)}
          >
            <option value="">{words.twins.allSites}</option>
            {sites.map((each) => (
              <option key={each.id} value={each.id}>
                {each.name}
              </option>
            ))}
          </select>
        </div>
      )}
      {failure && <FailureNotice failure={failure} retry={again} />}
      {loading && <Skeleton rows={8} />}
      {answer && total === 0 && <Empty title={words.violations.none}>{words.violations.noneExplain}</Empty>}
      {groups.length > 0 && (
        <div className="beside">
          <Groups groups={groups} rule={rule} choose={(shape) => filter("rule", shape)} total={total} />
          <div className="stack">
            {chosen.map((group) => (
              <Group
                key={`${group.shape} ${group.rule}`}
                group={group}
                items={items.filter((each) => each.shape === group.shape && each.rule === group.rule)}
              />
            ))}
            {more && <More shown={items.length} total={total} more={more} loading={busy} />}
          </div>
        </div>
      )}
      <Audits site={site} />
    </div>
  );
}

function Groups({
  groups,
  rule,
  choose,
  total,
}: {
  groups: ViolationGroup[];
  rule: string | null;
  choose: (shape: string | null) => void;
  total: number;
}) {
  const words = useWords();
  const line = (key: string, name: string, count: number, shape: string | null) => (
    <li key={key}>
      <button
        type="button"
        className={rule === shape ? "card is-selected" : "card"}
        aria-pressed={rule === shape}
        onClick={() => choose(shape)}
      >
        <span className="card-line">
          <span>{name}</span>
          <span className="tabular">{count.toLocaleString(words.tag)}</span>
        </span>
        {shape && (
          <span className="card-line muted">
            <code>{shortName(shape)}</code>
          </span>
        )}
      </button>
    </li>
  );
  return (
    <ul className="panel cards" aria-label={words.violations.groups}>
      {line("all", words.violations.showAll, total, null)}
      {groups.map((group) => line(`${group.shape} ${group.rule}`, group.rule, group.count, group.shape))}
    </ul>
  );
}

function Group({ group, items }: { group: ViolationGroup; items: Violation[] }) {
  const words = useWords();
  const remedies = new Set(items.map((each) => each.remedy));
  const shared = remedies.size === 1 ? items[0]?.remedy : null;
  return (
    <Panel title={group.rule} aside={<span className="tabular muted">{group.count.toLocaleString(words.tag)}</span>}>
      {shared && <p className="remedy-line">{shared}</p>}
      {items.length === 0 && <Empty>{words.violations.notLoaded}</Empty>}
      {items.length > 0 && (
        <div className="scroll-x">
          <table className="table violations">
            <thead>
              <tr>
                <th className="state">{words.columns.severity}</th>
                <th>{words.columns.twin}</th>
                <th>{words.columns.path}</th>
                <th>{words.columns.found}</th>
                {!shared && <th>{words.columns.remedy}</th>}
              </tr>
            </thead>
            <tbody>
              {items.map((each) => (
                <tr key={`${each.twin} ${each.path} ${each.value}`}>
                  <td className="state">
                    <StateMark
                      state={severityState(each.severity)}
                      word={words.violations.severity[each.severity] ?? each.severity}
                    />
                  </td>
                  <th scope="row">
                    <Link href={paths.twin(each.twin)} title={each.twin}>
                      {localName(each.twin)}
                    </Link>
                  </th>
                  <td>{each.path && <code title={each.path}>{shortName(each.path)}</code>}</td>
                  <td>{each.value && <code title={each.value}>{shortName(each.value)}</code>}</td>
                  {!shared && <td>{each.remedy}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function Audits({ site }: { site: string | null }) {
  const words = useWords();
  const { data } = useQuery(AUDITS, {}, { every: 10 });
  const audits = (data?.sites ?? []).flatMap(({ id, name, audit }) =>
    audit && (site === null || site === id) ? [{ id, name, audit }] : [],
  );
  if (audits.length === 0) return null;
  return (
    <Panel title={words.violations.audit} className="audits">
      <ul className="statements">
        {audits.map(({ id, name, audit }) => (
          <li key={id}>
            <div className="statement-head">
              <strong>{name}</strong>
              <StateMark
                state={
                  audit.state === "failed"
                    ? "alarm"
                    : audit.state === "running"
                      ? "uncertain"
                      : audit.state === "done"
                        ? "good"
                        : "none"
                }
                word={words.violations.auditStates[audit.state] ?? audit.state}
              />
              <span className="muted tabular">{words.violations.total(audit.violations)}</span>
            </div>
            {audit.message && <p className="muted">{audit.message}</p>}
            <ul className="rows">
              {audit.groups.slice(0, 20).map((group) => (
                <li key={`${group.shape} ${group.rule}`}>
                  <span className="reason">{group.rule}</span>
                  <code className="muted" title={group.shape}>
                    {shortName(group.shape)}
                  </code>
                  <span className="size">{group.count.toLocaleString(words.tag)}</span>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
