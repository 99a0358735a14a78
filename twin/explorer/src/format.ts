// How values, times, ages and identifiers are written. Digits of one property never change in number.

import type { Kind, Property, Value } from "./schema";
import type { Words } from "./words";

const decimalsBySymbol: Record<string, number> = {
  "°C": 1,
  "°F": 1,
  K: 1,
  "%": 1,
  ppm: 0,
  ppb: 0,
  Pa: 0,
  hPa: 1,
  kPa: 2,
  W: 0,
  kW: 1,
  Wh: 0,
  kWh: 1,
  V: 1,
  A: 2,
  Hz: 1,
  "L/s": 1,
  "l/s": 1,
  "m³/s": 3,
  "m³/h": 0,
  "m/s": 2,
  lx: 0,
  "": 3,
};

/** How many digits stand behind the point: by unit where its instruments are known, else by magnitude. */
export function decimals(symbol: string | undefined, value: number): number {
  const known = decimalsBySymbol[symbol ?? ""];
  if (known !== undefined) return known;
  const size = Math.abs(value);
  return size < 10 ? 2 : size < 1000 ? 1 : 0;
}

export function number(value: number, words: Words, digits: number): string {
  return value
    .toLocaleString(words.tag, { minimumFractionDigits: digits, maximumFractionDigits: digits })
    .replace(/^-(0(?:[.,]0*)?)$/, "$1")
    .replace("-", "−");
}

export interface Shown {
  kind: Kind;
  unit: { symbol: string } | null;
}

/** A value as text, without its unit. */
export function valueText(value: Value, property: Shown, words: Words): string {
  if (value === null) return "–";
  if (typeof value === "boolean") return value ? words.boolean.true : words.boolean.false;
  if (typeof value === "number") {
    if (property.kind === "BOOLEAN") return value ? words.boolean.true : words.boolean.false;
    return number(value, words, decimals(property.unit?.symbol, value));
  }
  return value;
}

/** A bound such as a range's end: as short as it can be said. */
export const bound = (value: number, property: Shown, words: Words): string =>
  `${value.toLocaleString(words.tag, { maximumFractionDigits: 6 }).replace("-", "−")}${unitText(property)}`;

export const unitText = (property: Shown): string => (property.unit?.symbol ? ` ${property.unit.symbol}` : "");

export function rangeText(property: Pick<Property, "minimum" | "maximum" | "kind" | "unit">, words: Words): string {
  const { minimum, maximum } = property;
  if (minimum !== null && maximum !== null)
    return words.twin.range(
      bound(minimum, { kind: property.kind, unit: null }, words),
      bound(maximum, property, words),
    );
  if (minimum !== null) return words.twin.from(bound(minimum, property, words));
  return maximum !== null ? words.twin.upTo(bound(maximum, property, words)) : "";
}

export function age(seconds: number | null, words: Words): string {
  if (seconds === null) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 100) return words.age.seconds(whole);
  if (whole < 100 * 60) return words.age.minutes(Math.floor(whole / 60));
  if (whole < 48 * 3600) return words.age.hours(Math.floor(whole / 3600));
  return words.age.days(Math.floor(whole / 86400));
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(words: Words, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = words.tag + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(words.tag === "en" ? "en-GB" : words.tag, options)));
  return made;
}

const hourMinute = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
const dayMonth = { day: "numeric", month: "short" } as const;

/** "14:02" today, with the day before that: "20 Nov 14:02"; of another year, with that. */
export function clock(time: string | number, words: Words, { seconds = false } = {}): string {
  const at = new Date(time);
  const fine = seconds ? ({ ...hourMinute, second: "2-digit" } as const) : hourMinute;
  const today = at.toDateString() === new Date().toDateString();
  const hours = format(words, fine).format(at);
  const thisYear = at.getFullYear() === new Date().getFullYear();
  const date = thisYear ? dayMonth : ({ ...dayMonth, year: "numeric" } as const);
  return today ? hours : `${format(words, date).format(at)} ${hours}`;
}

export const hours = (at: Date, words: Words): string => format(words, hourMinute).format(at);
export const day = (at: Date, words: Words): string => format(words, dayMonth).format(at);

/** The part of an identifier that a person recognises. */
export function localName(iri: string): string {
  const tail = iri.startsWith("urn:twin:") ? iri.split(":").slice(3).join(":") : iri.split(/[#/]/).pop();
  return tail || iri;
}

/** The last word of a shape's or path's identifier. */
export const shortName = (iri: string): string =>
  iri
    .split(/[#/]/)
    .pop()
    ?.replace(/^urn:twin:[a-z]+:/, "") || iri;

/** The places a twin stands in, outermost first; a site and its only building of one name are said once. */
export function placeText(site: string | null, path: { name: string }[]): string {
  const names = path.map((place) => place.name);
  return (site === null || names[0] === site ? names : [site, ...names]).join(" / ");
}

/** A revision as people say it: its order is in its digits, its leading zeros are not. */
export const shortRevision = (revision: string): string => revision.replace(/^0+(?=\d)/, "");

export const classLabels = (classes: { label: string }[]): string => classes.map((each) => each.label).join(", ");
