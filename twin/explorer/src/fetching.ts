// Asking the server: one function for GraphQL, one hook that keeps the last answer on screen while it asks again.

import { useCallback, useEffect, useReducer, useRef } from "react";
import type { Document } from "./documents";

/** Why a request was not answered: a sentence, and what to do about it. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly remedy: string = "",
    readonly kind: "told" | "unreachable" | "strange" = "told",
    readonly status = 0,
  ) {
    super(message);
  }
}

interface Told {
  message?: string;
  detail?: string;
  remedy?: string;
  extensions?: { remedy?: string };
  error?: Told | string;
}

function told(part: Told): Failure {
  const remedy = part.remedy ?? part.extensions?.remedy ?? "";
  const message = part.message ?? part.detail ?? "";
  // A message that already ends with its remedy says it once.
  return new Failure(remedy && message.endsWith(remedy) ? message.slice(0, -remedy.length).trim() : message, remedy);
}

/** The failure that an unsuccessful HTTP answer describes. */
export function failureOf(status: number, text: string): Failure {
  try {
    const body = JSON.parse(text) as Told & { errors?: Told[] };
    const part = body.errors?.[0] ?? (typeof body.error === "object" ? body.error : body);
    const failure = told(part);
    if (failure.message) return failure;
  } catch {
    // Not JSON: plain text is taken as the sentence itself.
    if (text && text.length < 2000 && !text.startsWith("<")) return new Failure(text.trim());
  }
  return new Failure("", "", "strange", status);
}

export interface Reply {
  status: number;
  type: string;
  text: string;
}

/** A whole HTTP reply; the only failures are `Failure` and the caller's own abort. */
export async function request(path: string, init: RequestInit): Promise<Reply> {
  try {
    const response = await fetch(path, init);
    return { status: response.status, type: response.headers.get("content-type") ?? "", text: await response.text() };
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failure("", "", "unreachable");
  }
}

/** The JSON a GraphQL text is answered with, errors included; raises only when there is no such answer. */
export async function graphqlAnswer(
  text: string,
  variables: object,
  signal?: AbortSignal,
): Promise<{ data?: unknown; errors?: Told[] }> {
  const reply = await request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query: text, variables }),
    ...(signal ? { signal } : {}),
  });
  let answer: { data?: unknown; errors?: Told[] };
  try {
    answer = JSON.parse(reply.text) as typeof answer;
  } catch {
    throw failureOf(reply.status, reply.text);
  }
  if (!answer.data && !answer.errors) throw failureOf(reply.status, reply.text);
  return answer;
}

/** What a document is answered with; any error in the answer is raised. */
export async function ask<Answer, Variables extends object>(
  document: Document<Answer, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Answer> {
  const { data, errors } = await graphqlAnswer(document.text, variables, signal);
  if (errors?.[0]) throw told(errors[0]);
  return data as Answer;
}

interface Answered {
  data: unknown;
  asked: number;
}

const remembered = new Map<string, Answered>();
const most = 60;

function remember(key: string, answer: Answered): void {
  remembered.delete(key);
  remembered.set(key, answer);
  const oldest = remembered.keys().next();
  if (remembered.size > most && !oldest.done) remembered.delete(oldest.value);
}

export interface Asked<Answer> {
  /** The newest answer, also while a newer one is on its way or failing. */
  data: Answer | null;
  /** When that answer was asked for, on the page's own clock. */
  asked: number;
  failure: Failure | null;
  loading: boolean;
  again: () => void;
}

/** The answer to a document, kept when the screen comes back to it; `every` asks again after so many seconds. */
export function useQuery<Answer, Variables extends object>(
  document: Document<Answer, Variables>,
  variables: Variables | null,
  { every = 0 } = {},
): Asked<Answer> {
  const key = variables === null ? null : document.text + JSON.stringify(variables);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const state = useRef<Omit<Asked<Answer>, "again"> & { key: string | null }>(null);
  if (state.current?.key !== key) {
    const known = key === null ? undefined : remembered.get(key);
    const data = (known?.data as Answer | undefined) ?? null;
    state.current = { key, data, asked: known?.asked ?? 0, failure: null, loading: key !== null && data === null };
  }
  const asking = useRef<() => void>(() => undefined);

  useEffect(() => {
    if (key === null || variables === null) return;
    const abort = new AbortController();
    let timer: number | undefined;
    let busy = false;
    let first = true;
    const go = async () => {
      if (busy) return;
      busy = true;
      window.clearTimeout(timer);
      const asked = performance.now();
      try {
        // A page nobody looks at asks nothing again.
        if (first || !window.document.hidden) {
          const data = await ask(document, variables, abort.signal);
          remember(key, { data, asked });
          state.current = { key, data, asked, failure: null, loading: false };
          first = false;
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof Failure)) throw error;
        state.current = { ...state.current!, failure: error, loading: false };
      } finally {
        busy = false;
      }
      if (abort.signal.aborted) return;
      redraw();
      const pause = every || (state.current?.failure?.kind === "unreachable" ? 3 : 0);
      if (pause) timer = window.setTimeout(() => void go(), pause * 1000);
    };
    asking.current = () => void go();
    void go();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
    // The key stands for the document and its variables.
  }, [key, every]);

  return { ...state.current!, again: useCallback(() => asking.current(), []) };
}
