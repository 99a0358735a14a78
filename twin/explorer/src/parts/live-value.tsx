// A property's present on screen: value, unit, state and age. A changed value flashes once; a stale one is not shown.

import { useEffect, useRef } from "react";
import { clock, valueText, type Shown } from "../format";
import type { Present } from "../live/readings";
import type { Words } from "../words";
import { useWords } from "../words";
import { StateMark, type State } from "./state-mark";

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

export function Value({ present, property }: { present: Present | null; property: Shown }) {
  const words = useWords();
  const cell = useRef<HTMLSpanElement>(null);
  const text = present?.available ? valueText(present.value, property, words) : "–";
  const before = useRef(text);
  useEffect(() => {
    const changed = before.current !== text && before.current !== "–";
    before.current = text;
    if (changed && !calm.matches)
      cell.current?.animate([{ backgroundColor: "var(--flash)" }, { backgroundColor: "transparent" }], {
        duration: 1600,
        easing: "ease-out",
      });
  }, [text]);
  return (
    <span
      ref={cell}
      className={present?.available ? "value" : "value is-absent"}
      title={text.length > 16 ? text : undefined}
    >
      {text}
    </span>
  );
}

/** The state and its words; "unavailable since 14:02" takes the place of an old number. */
export function stateOf(
  present: Present | null,
  bound: boolean,
  words: Words,
): { state: State; word: string; detail?: string } {
  if (!present?.available) {
    if (present?.since) return { state: "unavailable", word: words.states.since(clock(present.since, words)) };
    return bound
      ? { state: "unavailable", word: words.states.neverSeen }
      : { state: "none", word: words.states.unbound };
  }
  const { quality } = present;
  if (quality.word === "good") return { state: "good", word: words.states.good };
  const flags = quality.flags.map((flag) => words.flags[flag] ?? flag.replaceAll("-", " ")).join(", ");
  const word = quality.word === "bad" ? words.states.bad : words.states.uncertain;
  return {
    state: quality.word === "bad" ? "alarm" : "uncertain",
    word: flags ? `${word}: ${flags}` : word,
    detail: flags,
  };
}

export function PresentState({ present, bound }: { present: Present | null; bound: boolean }) {
  const words = useWords();
  if (present === null && bound) return null; // nothing was told about it yet
  return <StateMark {...stateOf(present, bound, words)} />;
}
