// The properties of one twin, live: value with unit, state, age, the last hour, and an editor where one may write.

import { Fragment, useState } from "react";
import { Sparkline } from "../../charts/sparkline";
import { age, clock } from "../../format";
import { usePresent } from "../../live/readings";
import { Icon } from "../../parts/icons";
import { PresentState, Value } from "../../parts/live-value";
import { StateMark } from "../../parts/state-mark";
import { usePast } from "../../past";
import type { Contract, History, Property } from "../../schema";
import { useWords } from "../../words";
import { Setpoint } from "./command";
import { LineageOf } from "./lineage";

interface Props {
  properties: Property[];
  charted: string[];
  toggle: (id: string) => void;
  histories: Map<string, History>;
  refresh: () => void;
}

export function PropertiesTable({ properties, charted, toggle, histories, refresh }: Props) {
  const words = useWords();
  const [editing, edit] = useState<string | null>(null);
  const past = usePast();
  // Nobody sets a value in the past.
  const writable = !past && properties.some((property) => property.writable);
  return (
    <table className="table properties">
      <thead>
        <tr>
          <th className="tick">
            <span className="unseen">{words.columns.chart}</span>
          </th>
          <th>{words.columns.property}</th>
          <th className="is-number">{words.columns.value}</th>
          <th className="unit">
            <span className="unseen">{words.columns.unit}</span>
          </th>
          <th className="state">{words.columns.state}</th>
          <th className="is-number age">{words.columns.age}</th>
          <th className="spark">{past ? words.past.hourBefore : words.columns.lastHour}</th>
          {writable && (
            <th className="act">
              <span className="unseen">{words.columns.set}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {properties.map((property) => (
          <Fragment key={property.id}>
            <PropertyRow
              property={property}
              charted={charted.indexOf(property.id)}
              toggle={toggle}
              history={histories.get(property.id)}
              writable={writable}
              editing={editing === property.id}
              edit={(open) => edit(open ? property.id : null)}
              refresh={refresh}
            />
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

function ContractMark({ contract }: { contract: Contract }) {
  const words = useWords();
  const breached = contract.breached.map((each) => each.message).join(", ");
  const since = contract.since ? clock(contract.since, words) : "";
  return (
    <span className="contract-mark" title={breached || contract.name}>
      <StateMark
        state={contract.met ? "good" : "alarm"}
        word={contract.met ? words.contract.met : words.contract.breached(since)}
      />
    </span>
  );
}

interface RowProps {
  property: Property;
  charted: number;
  toggle: (id: string) => void;
  history: History | undefined;
  writable: boolean;
  editing: boolean;
  edit: (open: boolean) => void;
  refresh: () => void;
}

function PropertyRow({ property, charted, toggle, history, writable, editing, edit, refresh }: RowProps) {
  const words = useWords();
  const present = usePresent(property.id, property.freshness);
  const drawable = property.kind !== "TEXT";
  const past = usePast();
  const [tracing, trace] = useState(false);
  return (
    <>
      <tr id={property.id} className={editing ? "is-editing" : ""}>
        <td className="tick">
          {drawable && (
            <input
              type="checkbox"
              checked={charted >= 0}
              onChange={() => toggle(property.id)}
              aria-label={words.twin.chartOf(property.name)}
              className={charted >= 0 ? `line-${(charted % 6) + 1}` : ""}
            />
          )}
        </td>
        <th scope="row" title={`${property.classes.map((each) => each.name).join(", ")}\n${property.id}`}>
          {past ? (
            property.name
          ) : (
            <button
              type="button"
              className="lineage-button"
              aria-expanded={tracing}
              title={words.lineage.of(property.name)}
              onClick={() => trace(!tracing)}
            >
              {property.name}
            </button>
          )}
          {property.contract && <ContractMark contract={property.contract} />}
        </th>
        <td className="is-number">
          <Value present={present} property={property} />
        </td>
        <td className="unit">{property.unit?.symbol}</td>
        <td className="state">
          <PresentState present={present} bound={property.bound} />
        </td>
        <td className="is-number age">{age(present?.currentAge ?? null, words)}</td>
        <td className="spark">{drawable && history && <Sparkline history={history} property={property} />}</td>
        {writable && (
          <td className="act">
            {property.writable && (
              <button
                type="button"
                className="button is-quiet"
                aria-label={words.twin.setLabel(property.name)}
                aria-expanded={editing}
                onClick={() => edit(!editing)}
              >
                <Icon name="pencil" size={14} />
                {words.twin.set}
              </button>
            )}
          </td>
        )}
      </tr>
      {tracing && !past && (
        <tr className="lineage-row">
          <td />
          <td colSpan={writable ? 7 : 6}>
            <LineageOf property={property.id} />
          </td>
        </tr>
      )}
      {editing && (
        <tr className="editor-row">
          <td />
          <td colSpan={writable ? 7 : 6}>
            <Setpoint property={property} current={present?.value ?? null} close={() => edit(false)} done={refresh} />
          </td>
        </tr>
      )}
    </>
  );
}
