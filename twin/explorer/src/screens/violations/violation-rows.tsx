// The places that break one rule, or the rules that one twin breaks, each with what was found and what to do.

import { Fragment, useState } from "react";
import { shortName } from "../../format";
import { Panel } from "../../parts/notices";
import { severityState, StateMark } from "../../parts/state-mark";
import { Link, paths } from "../../routing";
import type { Repair, Violation } from "../../schema";
import { nodeName, pageOf } from "../../statements";
import { useWords } from "../../words";
import { RepairPanel } from "./repair";
import { Since } from "./since";

export function ViolationRows({
  title,
  count,
  items,
  by,
  repaired,
}: {
  title: string;
  count: number | null;
  items: Violation[];
  /** What the rows share: the rule, or the twin. */
  by: "rule" | "twin";
  repaired: (violation: Violation, repair: Repair) => void;
}) {
  const words = useWords();
  const [open, setOpen] = useState<string | null>(null);
  const remedies = new Set(items.map((each) => each.remedy));
  const shared = by === "rule" && remedies.size === 1 ? items[0]?.remedy : null;
  const apart = by === "rule" && !shared;
  const twin = by === "twin" ? items[0]?.twin : undefined;
  return (
    <Panel
      title={title}
      id={twin ?? title}
      aside={
        <>
          {count !== null && <span className="tabular muted">{count.toLocaleString(words.tag)}</span>}
          {twin && (
            <Link href={paths.twin(pageOf(twin))} title={twin}>
              {words.changes.openTwin}
            </Link>
          )}
        </>
      }
    >
      {shared && <p className="remedy-line">{shared}</p>}
      <div className="scroll-x">
        <table className="table violations">
          <thead>
            <tr>
              <th className="state">{words.columns.severity}</th>
              <th>{by === "rule" ? words.columns.twin : words.columns.rule}</th>
              <th className="path">{words.columns.path}</th>
              <th className="found">{words.columns.found}</th>
              <th className="since">{words.violations.since}</th>
              {apart && <th className="remedy">{words.columns.remedy}</th>}
              <th className="act">
                <span className="unseen">{words.repair.title}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((each) => (
              <Fragment key={each.id}>
                <tr className={open === each.id ? "is-editing" : ""}>
                  <td className="state">
                    <StateMark
                      state={severityState(each.severity)}
                      word={words.violations.severity[each.severity] ?? each.severity}
                    />
                  </td>
                  <th scope="row">
                    {by === "rule" ? (
                      <Link href={paths.twin(pageOf(each.twin))} title={each.twin}>
                        {nodeName(each.twin)}
                      </Link>
                    ) : (
                      <>
                        {each.rule}
                        <p className="muted">{each.remedy}</p>
                      </>
                    )}
                  </th>
                  <td>{each.path && <code title={each.path}>{shortName(each.path)}</code>}</td>
                  <td>{each.value && <code title={each.value}>{shortName(each.value)}</code>}</td>
                  <td className="since tabular">
                    <Since of={each} />
                  </td>
                  {apart && <td>{each.remedy}</td>}
                  <td className="act">
                    {each.repair && (
                      <button
                        type="button"
                        className="button is-quiet"
                        title={each.repair}
                        aria-expanded={open === each.id}
                        aria-label={words.repair.of(nodeName(each.twin))}
                        onClick={() => setOpen(open === each.id ? null : each.id)}
                      >
                        {words.repair.title}
                      </button>
                    )}
                  </td>
                </tr>
                {open === each.id && (
                  <tr className="editor-row">
                    <td />
                    <td colSpan={apart ? 6 : 5}>
                      <RepairPanel
                        violation={each.id}
                        close={() => setOpen(null)}
                        done={(repair) => {
                          setOpen(null);
                          repaired(each, repair);
                        }}
                      />
                    </td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
