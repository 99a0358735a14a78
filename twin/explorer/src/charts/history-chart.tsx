// The chosen properties over one time axis: a plot for each unit, one cursor through all of them, and the same
// numbers as a table for those who cannot see a canvas or want the digits.

import "uplot/dist/uPlot.min.css";
import { useEffect, useId, useRef, useState } from "react";
import { clock, unitText, valueText } from "../format";
import { usePresent } from "../live/readings";
import { Icon } from "../parts/icons";
import { Empty, FailureNotice, More, Skeleton } from "../parts/notices";
import { usePast } from "../past";
import type { Property } from "../schema";
import { useWords } from "../words";
import { useHistories, spans, type Histories, type Span } from "./histories";
import { TimePlot, type Drawn } from "./time-plot";

interface Props {
  properties: Property[];
  span: Span;
  setSpan: (span: Span) => void;
  /** Told of each answer, so that a building that has only begun gets an axis of its age. */
  answered: (histories: Histories) => void;
  remove: (id: string) => void;
}

/** Numbers of one unit share a plot; a state or a switch has one of its own. */
function stack(properties: Property[]): Drawn[][] {
  const plots = new Map<string, Drawn[]>();
  properties.forEach((property, line) => {
    const key = property.kind === "NUMBER" ? `unit ${property.unit?.iri ?? ""}` : property.id;
    plots.set(key, [...(plots.get(key) ?? []), { property, line }]);
  });
  return [...plots.values()];
}

const heightOf = (plot: Drawn[], count: number): number => {
  const first = plot[0]!.property;
  if (first.kind === "NUMBER") return count === 1 ? 216 : 144;
  return 56 + 24 * (first.kind === "BOOLEAN" ? 2 : Math.max(2, first.states.length)) * 0.9;
};

export function HistoryChart({ properties, span, setSpan, answered, remove }: Props) {
  const words = useWords();
  const sync = useId();
  const [asTable, showTable] = useState(false);
  const { histories, failure } = useHistories(properties, span, usePast());
  const readouts = useRef(new Map<string, HTMLElement>());
  const moment = useRef<HTMLSpanElement>(null);
  const names = { "15m": words.chart.quarter, "1h": words.chart.hour, "24h": words.chart.day, "7d": words.chart.week };
  const plots = stack(properties);
  useEffect(() => {
    if (histories) answered(histories);
  }, [histories]);
  const empty =
    histories !== null &&
    properties.every((each) => !histories.points.get(each.id)?.some((point) => point.value !== null));

  const readout = (id: string, text: string | null, time: number | null) => {
    const element = readouts.current.get(id);
    if (element) element.textContent = text ?? "";
    if (moment.current)
      moment.current.textContent =
        time === null ? "" : clock(time * 1000, words, { seconds: span === "15m" || span === "1h" });
  };

  return (
    <section className="panel chart" aria-label={words.chart.title}>
      <header className="panel-head">
        <h2>{words.chart.title}</h2>
        <span className="moment" ref={moment} aria-hidden="true" />
        <div className="choice" role="radiogroup" aria-label={words.chart.span}>
          {(Object.keys(spans) as Span[]).map((each) => (
            <label key={each} className={each === span ? "is-on" : ""}>
              <input type="radio" name={sync} checked={each === span} onChange={() => setSpan(each)} />
              {names[each]}
            </label>
          ))}
        </div>
        <button
          type="button"
          className="button is-quiet"
          aria-pressed={asTable}
          onClick={() => showTable(!asTable)}
          disabled={empty || properties.length === 0}
        >
          {asTable ? words.chart.canvas : words.chart.table}
        </button>
      </header>
      {properties.length === 0 && <Empty>{words.chart.choose}</Empty>}
      {properties.length > 0 && (
        <ul className="legend">
          {properties.map((property, line) => (
            <li key={property.id}>
              <span className={`key line-${(line % 6) + 1}${line >= 3 ? " is-dashed" : ""}`} aria-hidden="true" />
              <span>{property.name}</span>
              <span
                className="readout"
                aria-hidden="true"
                ref={(element) =>
                  void (element ? readouts.current.set(property.id, element) : readouts.current.delete(property.id))
                }
              />
              <PresentText property={property} />
              <span className="unit">{property.unit?.symbol}</span>
              <button
                type="button"
                className="icon-button"
                aria-label={words.chart.remove(property.name)}
                onClick={() => remove(property.id)}
              >
                <Icon name="close" size={12} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {failure && <FailureNotice failure={failure} />}
      {properties.length > 0 && !histories && !failure && <Skeleton rows={5} />}
      {empty && <Empty>{words.chart.empty}</Empty>}
      {histories && !empty && !asTable && (
        <figure aria-label={words.chart.of(properties.map((each) => each.name).join(", "), names[span])}>
          {plots.map((plot, index) => (
            <TimePlot
              key={plot.map(({ property }) => property.id).join()}
              drawn={plot}
              histories={histories}
              height={heightOf(plot, plots.length) + (index === plots.length - 1 ? 24 : 0)}
              showTime={index === plots.length - 1}
              sync={sync}
              readout={readout}
            />
          ))}
        </figure>
      )}
      {histories && !empty && asTable && <HistoryTable properties={properties} histories={histories} />}
    </section>
  );
}

/** The value now, where the cursor's value stands while one points at the chart. */
function PresentText({ property }: { property: Property }) {
  const words = useWords();
  const present = usePresent(property.id, property.freshness);
  return <span className="readout-now">{present?.available ? valueText(present.value, property, words) : "–"}</span>;
}

function HistoryTable({ properties, histories }: { properties: Property[]; histories: Histories }) {
  const words = useWords();
  const [shown, show] = useState(48);
  const rows = new Map<number, string[]>();
  properties.forEach((property, column) => {
    for (const point of histories.points.get(property.id) ?? []) {
      if (point.value === null) continue;
      const time = Date.parse(point.time);
      const row = rows.get(time) ?? [];
      row[column] = valueText(point.value, property, words);
      rows.set(time, row);
    }
  });
  const times = [...rows.keys()].sort((a, b) => b - a);
  return (
    <div className="scroll-x history-table">
      <table className="table">
        <thead>
          <tr>
            <th>{words.columns.time}</th>
            {properties.map((property) => (
              <th key={property.id} className="is-number">
                {property.name}
                {unitText(property)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.slice(0, shown).map((time) => (
            <tr key={time}>
              <th scope="row">{clock(time, words, { seconds: true })}</th>
              {properties.map((property, column) => (
                <td key={property.id} className="is-number">
                  {rows.get(time)?.[column] ?? "–"}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <More
        shown={Math.min(shown, times.length)}
        total={times.length}
        more={shown < times.length ? () => show(shown + 96) : null}
      />
    </div>
  );
}
