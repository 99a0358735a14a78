// What the vocabulary's own shapes say of each site, and how far that check is.

import { AUDITS } from "../../documents";
import { useQuery } from "../../fetching";
import { clock, shortName } from "../../format";
import { Panel } from "../../parts/notices";
import { StateMark, type State } from "../../parts/state-mark";
import { usePast } from "../../past";
import { useWords } from "../../words";

const states: Record<string, State> = { failed: "alarm", running: "uncertain", done: "good" };

export function Audits({ site }: { site: string | null }) {
  const words = useWords();
  const past = usePast();
  const { data } = useQuery(AUDITS, { asOf: past?.asOf ?? null }, { every: past ? 0 : 10 });
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
                state={states[audit.state] ?? "none"}
                word={words.violations.auditStates[audit.state] ?? audit.state}
              />
              <span className="muted tabular">{words.violations.total(audit.violations)}</span>
              {audit.finishedAt && <time className="muted">{clock(audit.finishedAt, words)}</time>}
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
