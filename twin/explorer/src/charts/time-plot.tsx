// One plot of a stack: its series share a unit, and its time axis and cursor are those of the whole stack.

import { useEffect, useLayoutEffect, useRef } from "react";
import uPlot from "uplot";
import { day, decimals, hours, number } from "../format";
import type { HistoryPoint, Property } from "../schema";
import { colour, useShade } from "../theme";
import { useWords, type Words } from "../words";
import type { Histories } from "./histories";
import { asNumber } from "./sparkline";

const axisWidth = 72;
const mostBands = 3;

export interface Drawn {
  property: Property;
  /** Its colour: the place in the reader's choice, counted over all plots. */
  line: number;
}

type Columns = [number[], ...(number | null)[][]];

/** A gap wider than three usual steps is drawn as a gap. */
function columns(points: HistoryPoint[], states: string[]): Columns {
  const times = points.map((point) => Date.parse(point.time) / 1000);
  const steps = times.slice(1).map((time, index) => time - times[index]!);
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? Infinity;
  const drawn: Columns = [[], [], [], []];
  points.forEach((point, index) => {
    const time = times[index]!;
    if (index > 0 && time - times[index - 1]! > 3 * usual) {
      drawn[0].push(times[index - 1]! + usual);
      for (const column of drawn.slice(1) as (number | null)[][]) column.push(null);
    }
    const value = asNumber(point.value, states);
    drawn[0].push(time);
    drawn[1]!.push(value);
    drawn[2]!.push(point.maximum ?? value);
    drawn[3]!.push(point.minimum ?? value);
  });
  return drawn;
}

function data(drawn: Drawn[], histories: Histories): uPlot.AlignedData {
  return uPlot.join(
    drawn.map(({ property }) => columns(histories.points.get(property.id) ?? [], property.states) as uPlot.AlignedData),
  );
}

const stepped = uPlot.paths.stepped!({ align: 1 });

function series(drawn: Drawn[]): uPlot.Series[] {
  const made: uPlot.Series[] = [{}];
  for (const { property, line } of drawn) {
    const stroke = colour(`--line-${(line % 6) + 1}`);
    const numeric = property.kind === "NUMBER";
    made.push({
      stroke,
      width: 1.5,
      dash: line >= 3 ? [6, 3] : [],
      points: { show: false },
      ...(numeric ? {} : { paths: stepped }),
    });
    made.push(
      { stroke: "transparent", width: 0, points: { show: false } },
      { stroke: "transparent", width: 0, points: { show: false } },
    );
  }
  return made;
}

function bands(drawn: Drawn[]): uPlot.Band[] {
  if (drawn.length > mostBands || drawn[0]?.property.kind !== "NUMBER") return [];
  return drawn.map(({ line }, index) => ({
    series: [index * 3 + 2, index * 3 + 3],
    fill: `${colour(`--line-${(line % 6) + 1}`)}26`,
  }));
}

/** Times at round moments of the reader's own day, with the date where a day begins. */
function timeLabels(splits: number[], step: number, words: Words): string[] {
  return splits.map((split) => {
    const at = new Date(split * 1000);
    return step >= 86_400 || (at.getHours() === 0 && at.getMinutes() === 0) ? day(at, words) : hours(at, words);
  });
}

function levels(property: Property, words: Words): string[] {
  return property.kind === "BOOLEAN" ? [words.boolean.false, words.boolean.true] : property.states;
}

function valueScale({ property }: Drawn): uPlot.Scale {
  if (property.kind !== "NUMBER") {
    const top = property.kind === "BOOLEAN" ? 1 : Math.max(1, property.states.length - 1);
    return { range: [-0.4, top + 0.4] };
  }
  return {
    range: (_, low, high) => {
      if (low === null || high === null) return [0, 1];
      // A quiet sensor keeps a readable axis: never closer than one unit in a hundred.
      const least = Math.max(Math.abs(high), Math.abs(low)) * 0.01 || 0.1;
      const pad = Math.max((high - low) * 0.08, (least - (high - low)) / 2, 1e-6);
      return [low - pad, high + pad];
    },
  };
}

function options(
  drawn: Drawn[],
  width: number,
  height: number,
  showTime: boolean,
  sync: string,
  words: Words,
  span: () => [number, number],
): uPlot.Options {
  const first = drawn[0]!.property;
  const axis = {
    stroke: colour("--muted"),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
  };
  const names = levels(first, words);
  return {
    width,
    height,
    padding: [8, 16, showTime ? 0 : 8, 0],
    legend: { show: false },
    cursor: { sync: { key: sync }, drag: { x: false, y: false }, points: { size: 6 }, y: false },
    scales: { x: { range: span }, y: valueScale(drawn[0]!) },
    series: series(drawn),
    bands: bands(drawn),
    axes: [
      {
        ...axis,
        size: showTime ? 32 : 0,
        space: 72,
        values: showTime ? (_, splits, __, ___, step) => timeLabels(splits, step, words) : () => [],
      },
      {
        ...axis,
        size: axisWidth,
        space: 28,
        gap: 8,
        ...(first.kind === "NUMBER"
          ? {
              values: (_: uPlot, splits: number[], __: number, ___: number, step: number) =>
                splits.map((split) => axisNumber(split, step, words)),
            }
          : {
              splits: () => names.map((_, index) => index),
              values: () => names.map((name) => (name.length > 9 ? `${name.slice(0, 8)}…` : name)),
            }),
      },
    ],
  };
}

/** As many digits as the steps of the axis need, and no more. */
function axisNumber(value: number, step: number, words: Words): string {
  let digits = 0;
  while (digits < 6 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
  return number(value, words, digits);
}

export type Readout = (id: string, text: string | null, time: number | null) => void;

interface Props {
  drawn: Drawn[];
  histories: Histories;
  height: number;
  showTime: boolean;
  sync: string;
  readout: Readout;
}

export function TimePlot({ drawn, histories, height, showTime, sync, readout }: Props) {
  const words = useWords();
  const shade = useShade();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const current = useRef(histories);
  const read = useRef(readout);
  current.current = histories;
  read.current = readout;
  const key = drawn.map(({ property, line }) => `${property.id} ${line}`).join();

  useLayoutEffect(() => {
    const element = box.current!;
    const span = (): [number, number] => [current.current.from / 1000, current.current.to / 1000];
    const made = new uPlot(
      {
        ...options(drawn, element.clientWidth || 600, height, showTime, sync, words, span),
        hooks: { setCursor: [(self) => tell(self, drawn, words, read.current)] },
      },
      data(drawn, current.current),
      element,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
    // The key stands for what is drawn; the shade decides every colour.
  }, [key, shade, words, height, showTime, sync]);

  useEffect(() => plot.current?.setData(data(drawn, histories)), [histories]);

  return (
    <div className="plot" ref={box} aria-hidden="true">
      <span className="plot-unit">{drawn[0]?.property.unit?.symbol}</span>
    </div>
  );
}

function tell(plot: uPlot, drawn: Drawn[], words: Words, readout: Readout): void {
  const index = plot.cursor.idx;
  drawn.forEach(({ property }, at) => {
    const value = index === null || index === undefined ? null : plot.data[at * 3 + 1]?.[index];
    const time = index === null || index === undefined ? null : (plot.data[0][index] ?? null);
    if (value === null || value === undefined) return readout(property.id, null, time);
    const text =
      property.kind === "NUMBER"
        ? number(value, words, decimals(property.unit?.symbol, value))
        : levels(property, words)[Math.round(value)];
    readout(property.id, text ?? null, time);
  });
}
