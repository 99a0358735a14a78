// An hour in 88 pixels: shape only, no numbers; the table's value and the chart beside it say the rest.

import type { History, Property, Value } from "../schema";

const width = 88;
const height = 20;

export const asNumber = (value: Value, states: string[]): number | null => {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  const index = value === null ? -1 : states.indexOf(value);
  return index >= 0 ? index : null;
};

export function Sparkline({ history, property }: { history: History; property: Pick<Property, "states" | "kind"> }) {
  const from = Date.parse(history.from);
  const span = Date.parse(history.to) - from || 1;
  const points = history.points.map(
    (point) => [Date.parse(point.time), asNumber(point.value, property.states)] as const,
  );
  const values = points.flatMap(([, value]) => (value === null ? [] : [value]));
  if (values.length < 2) return null;
  const low = Math.min(...values);
  // A steady value is a straight line in the middle, not noise blown up to full height.
  const range = Math.max(Math.max(...values) - low, Math.abs(low) * 0.005, 1e-9);
  const middle = (Math.max(...values) + low) / 2;
  let pen = "M";
  let path = "";
  let last: number | null = null;
  for (const [time, value] of points) {
    if (value === null) {
      pen = "M";
      continue;
    }
    const x = (((time - from) / span) * width).toFixed(1);
    const y = (height / 2 - ((value - middle) / range) * (height - 4)).toFixed(1);
    if (property.kind !== "NUMBER" && pen === "L" && last !== null) path += `H${x}`;
    path += `${pen}${x} ${y}`;
    pen = "L";
    last = value;
  }
  return (
    <svg className="sparkline" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
