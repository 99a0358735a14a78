// Light or dark: the system's choice unless the reader made another; charts are told when it changes.

import { useSyncExternalStore } from "react";
import { choose, chosen } from "./choices";

export type Theme = "system" | "light" | "dark";
type Shade = "light" | "dark";

const order: Theme[] = ["system", "light", "dark"];
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
const stored = chosen("theme");
let theme: Theme = stored === "light" || stored === "dark" ? stored : "system";

function shade(): Shade {
  if (theme !== "system") return theme;
  return system.matches ? "dark" : "light";
}

function apply(): void {
  document.documentElement.dataset.theme = shade();
  listeners.forEach((notify) => notify());
}

system.addEventListener("change", apply);

export function nextTheme(): void {
  theme = order[(order.indexOf(theme) + 1) % order.length] ?? "system";
  choose("theme", theme === "system" ? null : theme);
  apply();
}

function watch(notify: () => void): () => void {
  listeners.add(notify);
  return () => listeners.delete(notify);
}

export const useTheme = (): Theme => useSyncExternalStore(watch, () => theme);

/** What is on screen now. */
export const useShade = (): Shade => useSyncExternalStore(watch, shade);

/** The colour a style sheet's custom property has now, for what is drawn on a canvas. */
export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
