// A state is said three times: by a shape of its own, by a word, and last by a colour.

export type State = "good" | "uncertain" | "unavailable" | "alarm" | "none";

const shapes: Record<State, React.ReactNode> = {
  good: <circle cx="6" cy="6" r="4.5" fill="currentColor" />,
  uncertain: <path d="M6 1.2L11.2 10.5H.8z" fill="currentColor" />,
  unavailable: (
    <>
      <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path d="M3 9l6-6" stroke="currentColor" strokeWidth="1.6" />
    </>
  ),
  alarm: <path d="M6 .6L11.4 6 6 11.4.6 6z" fill="currentColor" />,
  none: <path d="M2 6h8" stroke="currentColor" strokeWidth="1.6" />,
};

export function StateShape({ state, size = 12 }: { state: State; size?: number }) {
  return (
    <svg className={`state-shape is-${state}`} width={size} height={size} viewBox="0 0 12 12" aria-hidden="true">
      {shapes[state]}
    </svg>
  );
}

export function StateMark({ state, word, detail }: { state: State; word: string; detail?: string }) {
  return (
    <span className={`state-mark is-${state}`} title={detail}>
      <StateShape state={state} />
      <span>{word}</span>
    </span>
  );
}

export const connectionState = (state: string): State =>
  (({ connected: "good", connecting: "uncertain", retrying: "alarm", stopped: "unavailable" }) as const)[
    state.toLowerCase() as "connected"
  ] ?? "uncertain";

export const alertState = (severity: string): State =>
  severity === "CRITICAL" ? "alarm" : severity === "WARNING" ? "uncertain" : "none";

export const severityState = (severity: string): State =>
  severity === "violation" ? "alarm" : severity === "warning" ? "uncertain" : "none";
