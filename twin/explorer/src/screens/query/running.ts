// Running a query: GraphQL once or as a stream, SPARQL to rows or a graph; one can always cancel.

import { Failure, failureOf, graphqlAnswer, request } from "../../fetching";
import { link } from "../../live/readings";

export interface Term {
  type: "uri" | "literal" | "bnode" | "triple" | "typed-literal";
  value: string;
  datatype?: string;
  "xml:lang"?: string;
}

export type Binding = Record<string, Term | undefined>;

export type Result =
  | { kind: "rows"; columns: string[]; rows: Binding[]; milliseconds: number }
  | { kind: "answer"; yes: boolean; milliseconds: number }
  | { kind: "text"; language: "json" | "sparql"; text: string; milliseconds: number };

export async function runSparql(text: string, signal: AbortSignal): Promise<Result> {
  const began = performance.now();
  const reply = await request("/sparql", {
    method: "POST",
    headers: {
      "content-type": "application/sparql-query",
      accept: "application/sparql-results+json, text/turtle;q=0.8",
    },
    body: text,
    signal,
  });
  const milliseconds = Math.round(performance.now() - began);
  if (reply.status >= 400) throw failureOf(reply.status, reply.text);
  if (!reply.type.includes("json")) return { kind: "text", language: "sparql", text: reply.text, milliseconds };
  const answer = JSON.parse(reply.text) as {
    head: { vars?: string[] };
    boolean?: boolean;
    results?: { bindings: Binding[] };
  };
  if (answer.boolean !== undefined) return { kind: "answer", yes: answer.boolean, milliseconds };
  return { kind: "rows", columns: answer.head.vars ?? [], rows: answer.results?.bindings ?? [], milliseconds };
}

const isStream = (text: string): boolean => /^(?:\s|#[^\n]*\n?)*subscription\b/.test(text);

/** The object that the variables' text describes; raises the sentence to show when it describes none. */
function readVariables(text: string, wrong: string): object {
  if (!text.trim()) return {};
  try {
    const variables: unknown = JSON.parse(text);
    if (typeof variables === "object" && variables !== null && !Array.isArray(variables)) return variables;
  } catch (error) {
    throw new Failure(wrong, error instanceof Error ? error.message : "");
  }
  throw new Failure(wrong);
}

const mostEvents = 100;

export async function runGraphql(
  text: string,
  variablesText: string,
  wrong: string,
  signal: AbortSignal,
  show: (result: Result) => void,
): Promise<void> {
  const variables = readVariables(variablesText, wrong);
  const began = performance.now();
  const put = (value: unknown) =>
    show({
      kind: "text",
      language: "json",
      text: JSON.stringify(value, null, 2),
      milliseconds: Math.round(performance.now() - began),
    });
  if (!isStream(text)) return put(await graphqlAnswer(text, variables, signal));
  const events: unknown[] = [];
  await new Promise<void>((resolve, reject) => {
    const next = (event: unknown) => {
      events.unshift(event);
      events.length = Math.min(events.length, mostEvents);
      put(events);
    };
    const stop = link.subscribe({ text }, variables, next, (message) => reject(new Failure(message)));
    signal.addEventListener("abort", () => {
      stop();
      resolve();
    });
  });
}

/** The rows in the SPARQL 1.1 CSV form: bare values, quoted where they must be. */
export function csv(columns: string[], rows: Binding[]): string {
  const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const value = (term: Term | undefined): string =>
    term ? cell(term.type === "bnode" ? `_:${term.value}` : term.value) : "";
  return [columns.map(cell), ...rows.map((row) => columns.map((column) => value(row[column])))]
    .map((line) => `${line.join(",")}\r\n`)
    .join("");
}
