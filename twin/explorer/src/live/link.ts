// One WebSocket for every subscription, in the graphql-transport-ws protocol. It opens with the first
// subscription, closes after the last, and after a loss comes back by itself with all of them.

import type { Document } from "../documents";

export type LinkState = "idle" | "connecting" | "open" | "lost";

interface Subscription {
  query: string;
  variables: object;
  next: (data: unknown) => void;
  failed: (message: string) => void;
}

interface Message {
  type: string;
  id?: string;
  payload?: unknown;
}

const firstPause = 500;
const longestPause = 8_000;
const patience = 10_000; // how long a silent server may stay silent after a ping
const pingEvery = 15_000;

export class Link {
  state: LinkState = "idle";
  private socket: WebSocket | null = null;
  private ready = false;
  private pause = firstPause;
  private retry: number | undefined;
  private pinging: number | undefined;
  private silence: number | undefined;
  private count = 0;
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly watchers = new Set<() => void>();

  constructor(private readonly path: string) {}

  /** Calls `next` with each event until the returned function is called; loss and return happen underneath. */
  subscribe<Event, Variables extends object>(
    document: Document<Event, Variables>,
    variables: Variables,
    next: (event: Event) => void,
    failed: (message: string) => void,
  ): () => void {
    const id = String(++this.count);
    this.subscriptions.set(id, { query: document.text, variables, next: next as (data: unknown) => void, failed });
    if (this.ready) this.start(id);
    else if (!this.socket && this.retry === undefined) this.open();
    return () => {
      if (!this.subscriptions.delete(id)) return;
      if (this.ready) this.send({ type: "complete", id });
      // A screen that replaces another subscribes at once; only a lasting silence closes the socket.
      window.setTimeout(() => this.subscriptions.size === 0 && this.close(), 2_000);
    };
  }

  watch = (notify: () => void): (() => void) => {
    this.watchers.add(notify);
    return () => this.watchers.delete(notify);
  };

  private become(state: LinkState): void {
    if (state === this.state) return;
    this.state = state;
    this.watchers.forEach((notify) => notify());
  }

  private open(): void {
    this.retry = undefined;
    if (this.state === "idle") this.become("connecting");
    const address = new URL(this.path, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, "graphql-transport-ws");
    this.socket = socket;
    socket.onopen = () => this.send({ type: "connection_init" });
    socket.onmessage = (event) => this.receive(JSON.parse(String(event.data)) as Message);
    socket.onclose = () => this.socket === socket && this.lost();
  }

  private lost(): void {
    this.forget();
    if (this.subscriptions.size === 0) return this.become("idle");
    this.become("lost");
    // The jitter keeps many open pages from returning in the same instant.
    this.retry = window.setTimeout(() => this.open(), this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, longestPause);
  }

  private close(): void {
    window.clearTimeout(this.retry);
    this.retry = undefined;
    const socket = this.socket;
    this.forget();
    socket?.close(1000);
    this.become("idle");
  }

  private forget(): void {
    this.socket = null;
    this.ready = false;
    window.clearInterval(this.pinging);
    window.clearTimeout(this.silence);
  }

  private send(message: Message): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private start(id: string): void {
    const each = this.subscriptions.get(id);
    if (each) this.send({ type: "subscribe", id, payload: { query: each.query, variables: each.variables } });
  }

  private receive(message: Message): void {
    window.clearTimeout(this.silence);
    if (message.type === "ping") return this.send({ type: "pong" });
    if (message.type === "connection_ack") {
      this.ready = true;
      this.pause = firstPause;
      this.become("open");
      this.subscriptions.forEach((_, id) => this.start(id));
      this.pinging = window.setInterval(() => this.ping(), pingEvery);
      return;
    }
    const subscription = this.subscriptions.get(message.id ?? "");
    if (!subscription) return;
    if (message.type === "next") {
      const { data, errors } = message.payload as { data?: unknown; errors?: { message: string }[] };
      if (errors?.[0]) subscription.failed(errors[0].message);
      else subscription.next(data);
    } else if (message.type === "error") {
      this.subscriptions.delete(message.id ?? "");
      subscription.failed((message.payload as { message: string }[])[0]?.message ?? "");
    } else if (message.type === "complete") {
      // The server ended it (it restarts, or its data changed shape): ask once more, without haste.
      window.setTimeout(() => this.ready && this.start(message.id ?? ""), this.pause);
    }
  }

  private ping(): void {
    this.send({ type: "ping" });
    const socket = this.socket;
    this.silence = window.setTimeout(() => {
      socket?.close();
      if (socket && this.socket === socket) this.lost();
    }, patience);
  }
}
