// The rules that a twin, its properties and their bindings break, each with what to do - or the repair itself.

import { useState } from "react";
import { shortName } from "../../format";
import { Empty, Panel } from "../../parts/notices";
import { severityState, StateMark } from "../../parts/state-mark";
import { Link, paths } from "../../routing";
import type { Repair, Violation } from "../../schema";
import { nodeName } from "../../statements";
import { useWords } from "../../words";
import { RepairPanel } from "../violations/repair";
import { Since } from "../violations/since";
import { Repaired } from "../violations/repaired";

export function ViolationsPanel({
  twin,
  violations,
  again,
}: {
  twin: string;
  violations: Violation[];
  again: () => void;
}) {
  const words = useWords();
  const [open, setOpen] = useState<string | null>(null);
  const [last, setLast] = useState<Repair | null>(null);
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set());
  const standing = violations.filter((each) => !gone.has(each.id));
  return (
    <Panel title={words.twin.violations}>
      <Repaired repair={last} />
      {standing.length === 0 && <Empty>{words.twin.noViolations}</Empty>}
      <ul className="statements" hidden={standing.length === 0}>
        {standing.map((each) => (
          <li key={each.id}>
            <div className="statement-head">
              <StateMark
                state={severityState(each.severity)}
                word={words.violations.severity[each.severity] ?? each.severity}
              />
              <strong>
                <Link href={paths.violationsOf(each.shape)} className="plain" title={each.shape}>
                  {each.rule}
                </Link>
              </strong>
              {each.repair && (
                <button
                  type="button"
                  className="button repair-button"
                  title={each.repair}
                  aria-expanded={open === each.id}
                  aria-label={words.repair.of(nodeName(each.twin))}
                  onClick={() => setOpen(open === each.id ? null : each.id)}
                >
                  {words.repair.title}
                </button>
              )}
            </div>
            {(each.twin !== twin || each.path || each.value) && (
              <p className="muted">
                {each.twin !== twin && <span title={each.twin}>{nodeName(each.twin)} </span>}
                {each.path && <code title={each.path}>{shortName(each.path)}</code>}
                {each.value && (
                  <>
                    {" "}
                    {words.columns.found}: <code>{each.value}</code>
                  </>
                )}
              </p>
            )}
            {each.remedy && <p>{each.remedy}</p>}
            {each.since && (
              <p className="muted">
                {words.violations.since} <Since of={each} />
              </p>
            )}
            {open === each.id && (
              <RepairPanel
                violation={each.id}
                close={() => setOpen(null)}
                done={(repair) => {
                  setOpen(null);
                  setGone(new Set([...gone, each.id]));
                  setLast(repair);
                  again();
                }}
              />
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
