// Writing a value: the editor with the property's range, and the life of the command that it becomes.

import { useEffect, useId, useRef, useState } from "react";
import { COMMAND, SET_PROPERTY } from "../../documents";
import { ask, Failure } from "../../fetching";
import { rangeText, unitText, valueText } from "../../format";
import { FailureNotice } from "../../parts/notices";
import { StateShape } from "../../parts/state-mark";
import type { Command, Property, Value } from "../../schema";
import { useWords, type Words } from "../../words";

const steps = ["ACCEPTED", "SENT", "ACKNOWLEDGED", "VERIFIED"] as const;
const ended = new Set(["VERIFIED", "EXPIRED", "FAILED"]);

/** The value that was typed, or the sentence that says why it cannot be sent. */
function read(text: string, property: Property, words: Words): { value: Value } | { wrong: string } {
  if (property.kind === "BOOLEAN") return text ? { value: text === "true" } : { wrong: words.twin.noChoice };
  if (property.kind !== "NUMBER") return text ? { value: text } : { wrong: words.twin.noChoice };
  const value = Number(text.trim().replace(",", "."));
  if (!text.trim() || !Number.isFinite(value)) return { wrong: words.twin.noNumber };
  const { minimum, maximum } = property;
  if ((minimum !== null && value < minimum) || (maximum !== null && value > maximum))
    return { wrong: words.twin.outOfRange(rangeText(property, words)) };
  return { value };
}

/** Sends one value and follows its command until it has ended. */
function useCommand(property: Property, done: () => void) {
  const [command, setCommand] = useState<Command | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [sending, setSending] = useState(false);
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  const follow = async (first: Command, signal: AbortSignal) => {
    let current: Command | null = first;
    while (current && !ended.has(current.state)) {
      setCommand(current);
      await new Promise((resolve) => setTimeout(resolve, 250));
      current = (await ask(COMMAND, { id: first.id }, signal)).command;
    }
    if (current) setCommand(current);
    else setFailure(new Failure("", "", "strange"));
    done();
  };

  const send = async (value: Value) => {
    abort.current?.abort();
    const { signal } = (abort.current = new AbortController());
    setSending(true);
    setFailure(null);
    setCommand(null);
    try {
      const { setProperty } = await ask(SET_PROPERTY, { property: property.id, value }, signal);
      await follow(setProperty, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    } finally {
      if (!signal.aborted) setSending(false);
    }
  };
  return { command, failure, sending, send };
}

export function Setpoint({
  property,
  current,
  close,
  done,
}: {
  property: Property;
  current: Value;
  close: () => void;
  done: () => void;
}) {
  const words = useWords();
  const [text, setText] = useState(current === null ? "" : String(current));
  const [wrong, setWrong] = useState("");
  const { command, failure, sending, send } = useCommand(property, done);
  const id = useId();
  const hint = rangeText(property, words);
  const choices = property.kind === "BOOLEAN" ? ["true", "false"] : property.kind === "STATE" ? property.states : null;
  const shared = {
    id,
    value: text,
    "aria-describedby": `${id}-hint`,
    "aria-invalid": wrong !== "",
    autoFocus: true,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLSelectElement>) => {
      setText(event.target.value);
      setWrong("");
    },
  };

  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    const typed = read(text, property, words);
    if ("wrong" in typed) setWrong(typed.wrong);
    else void send(typed.value);
  };

  return (
    <form
      className="setpoint"
      noValidate
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && close()}
      aria-label={words.twin.setLabel(property.name)}
    >
      <div className="setpoint-line">
        <label htmlFor={id}>{words.twin.newValue}</label>
        {choices ? (
          <select {...shared}>
            {!choices.includes(text) && <option value="">–</option>}
            {choices.map((choice) => (
              <option key={choice} value={choice}>
                {property.kind === "BOOLEAN" ? words.boolean[choice as "true"] : choice}
              </option>
            ))}
          </select>
        ) : (
          <span className="with-unit">
            <input
              {...shared}
              type={property.kind === "NUMBER" ? "number" : "text"}
              min={property.minimum ?? undefined}
              max={property.maximum ?? undefined}
              step="any"
            />
            {unitText(property)}
          </span>
        )}
        <span className="hint" id={`${id}-hint`}>
          {hint}
        </span>
        <button type="submit" className="button is-main" disabled={sending}>
          {words.twin.send}
        </button>
        <button type="button" className="button" onClick={close}>
          {command || failure ? words.twin.close : words.twin.cancel}
        </button>
      </div>
      {wrong && (
        <p className="wrong" role="alert">
          <StateShape state="alarm" /> {wrong}
        </p>
      )}
      {failure && (
        <FailureNotice
          failure={failure.kind === "strange" && failure.status === 0 ? new Failure(words.command.lost) : failure}
          title={words.command.failed}
        />
      )}
      {command && <CommandLife command={command} property={property} />}
    </form>
  );
}

function CommandLife({ command, property }: { command: Command; property: Property }) {
  const words = useWords();
  const name = command.state.toLowerCase() as "failed" | "expired";
  const broken = command.state === "FAILED" || command.state === "EXPIRED";
  const reached = steps.indexOf(command.state as (typeof steps)[number]);
  return (
    <div className="command" role="status" aria-label={words.command.label}>
      <ol>
        {steps.map((step, index) => {
          const done = !broken && index <= reached;
          if (broken && index > 0) return null;
          return (
            <li
              key={step}
              className={done || broken ? "is-done" : ""}
              aria-current={index === reached ? "step" : undefined}
            >
              <StateShape state={done || broken ? "good" : "none"} />
              {words.command[step.toLowerCase() as Lowercase<typeof step>]}
            </li>
          );
        })}
        {broken && (
          <li className="is-broken" aria-current="step">
            <StateShape state="alarm" />
            {words.command[name]}
          </li>
        )}
      </ol>
      {command.message && <p>{command.message}</p>}
      {command.state === "EXPIRED" && !command.message && <p>{words.command.expiredRemedy}</p>}
      {command.state === "VERIFIED" && command.readBack !== null && (
        <p>{words.command.readBack(valueText(command.readBack, property, words) + unitText(property))}</p>
      )}
    </div>
  );
}
