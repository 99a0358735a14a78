// What the page knows about each property's present: the server's answers and the subscription's events, newest
// wins, and whatever grows older than its freshness becomes unavailable by itself.

import { createContext, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { OBSERVATIONS } from "../documents";
import type { Observation, PropertyState, Quality, Value } from "../schema";
import { Link, type LinkState } from "./link";

export const link = new Link("/graphql");

export const useLinkState = (): LinkState => useSyncExternalStore(link.watch, () => link.state);

export interface Reading {
  value: Value;
  /** Source time in milliseconds; null when nothing was ever known. */
  time: number | null;
  available: boolean;
  since: string | null;
  quality: Quality;
  /** Seconds of age when it arrived here, and the page's own clock then: the two clocks are never compared. */
  age: number | null;
  arrived: number;
}

export const ageOf = (reading: Reading, now: number): number | null =>
  reading.age === null ? null : reading.age + (now - reading.arrived) / 1000;

function ofState(state: PropertyState, asked: number): Reading {
  return {
    value: state.available ? state.value : null,
    time: state.time === null ? null : Date.parse(state.time),
    available: state.available,
    since: state.unavailableSince,
    quality: state.quality,
    age: state.age,
    arrived: asked,
  };
}

/** The moment that counts for a sample: a device whose clock runs ahead does not hide what comes after it. */
const orderOf = (event: Observation): number => Math.min(Date.parse(event.time), Date.parse(event.receivedTime));

function ofObservation(event: Observation, known: Reading | undefined, serverClock: number | null): Reading | null {
  // On each new connection the server first says what is known already.
  if (known?.available && known.time === Date.parse(event.time) && known.value === event.value) return null;
  // A bad sample tells about the quality; the last usable value stands until it outlives its freshness.
  if (event.value === null || event.quality.word === "bad") return known ? { ...known, quality: event.quality } : null;
  const arrived = performance.now();
  const present = serverClock === null ? Date.parse(event.receivedTime) : serverClock + arrived;
  return {
    value: event.value,
    time: Date.parse(event.time),
    available: true,
    since: null,
    quality: event.quality,
    age: Math.max(0, (present - orderOf(event)) / 1000),
    arrived,
  };
}

/** The readings of one screen; a row listens to its own property only. */
export class Readings {
  private readonly readings = new Map<string, Reading>();
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly changed = new Set<string>();
  private frame = 0;
  /** The server's clock less the page's, in milliseconds. */
  private serverClock: number | null = null;

  /** Readings that are not live stand as they were told and do not grow old. */
  constructor(readonly live = true) {}

  get(id: string): Reading | undefined {
    return this.readings.get(id);
  }

  /** Takes an answer that was asked for at `asked`; events that came in later know better. */
  answer(states: Iterable<PropertyState>, asked: number): void {
    for (const state of states) {
      this.setClock(state, asked);
      const known = this.readings.get(state.id);
      if (!known || known.arrived <= asked) this.put(state.id, ofState(state, asked));
    }
  }

  observe(event: Observation): void {
    const reading = ofObservation(event, this.readings.get(event.id), this.serverClock);
    if (reading) this.put(event.id, reading);
  }

  listen(id: string, notify: () => void): () => void {
    const listeners = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, listeners.add(notify));
    return () => listeners.delete(notify);
  }

  /** A time and its age tell the server's present; of several the earliest, because device clocks may run ahead. */
  private setClock(state: PropertyState, asked: number): void {
    if (state.time === null || state.age === null) return;
    const clock = Date.parse(state.time) + state.age * 1000 - asked;
    if (this.serverClock === null || clock < this.serverClock) this.serverClock = clock;
  }

  private put(id: string, reading: Reading): void {
    this.readings.set(id, reading);
    this.changed.add(id);
    // Many events in one frame are one drawing.
    this.frame ||= window.setTimeout(() => this.tell(), 60);
  }

  private tell(): void {
    this.frame = 0;
    for (const id of this.changed) this.listeners.get(id)?.forEach((notify) => notify());
    this.changed.clear();
  }
}

export const ReadingsOfScreen = createContext(new Readings());

/** The readings of a twin's properties: kept current for as long as the caller is on screen, or those of a past,
 * which nothing changes. */
export function useReadings(twin: string, asOf: string | null): Readings {
  const key = `${asOf ?? ""} ${twin}`;
  const [held, hold] = useState(() => ({ key, readings: new Readings(asOf === null) }));
  const current = held.key === key ? held : { key, readings: new Readings(asOf === null) };
  if (current !== held) hold(current);
  const { readings } = current;
  useEffect(() => {
    if (!readings.live) return;
    return link.subscribe(
      OBSERVATIONS,
      { twins: [twin], maxRate: 2 },
      (event) => readings.observe(event.observations),
      console.warn,
    );
  }, [twin, readings]);
  return readings;
}

const second = { listeners: new Set<() => void>(), timer: 0, now: performance.now() };

function everySecond(notify: () => void): () => void {
  second.listeners.add(notify);
  second.timer ||= window.setInterval(() => {
    second.now = performance.now();
    second.listeners.forEach((each) => each());
  }, 1000);
  return () => {
    second.listeners.delete(notify);
    if (second.listeners.size > 0) return;
    window.clearInterval(second.timer);
    second.timer = 0;
  };
}

/** The page's clock in milliseconds, once a second, for ages. */
export const useNow = (): number => useSyncExternalStore(everySecond, () => second.now);

export interface Present extends Reading {
  currentAge: number | null;
}

/** A property as it stands now: too old a value is unavailable, since the moment it outlived its freshness. */
export function usePresent(id: string, freshness: number): Present | null {
  const readings = useContext(ReadingsOfScreen);
  const reading = useSyncExternalStore(
    (notify) => readings.listen(id, notify),
    () => readings.get(id),
  );
  const now = useNow();
  if (!reading) return null;
  if (!readings.live) return { ...reading, currentAge: reading.age };
  const currentAge = ageOf(reading, Math.max(now, reading.arrived));
  if (!reading.available || currentAge === null || currentAge <= freshness) return { ...reading, currentAge };
  const since = reading.time === null ? null : new Date(reading.time + freshness * 1000).toISOString();
  return { ...reading, currentAge, available: false, value: null, since };
}
