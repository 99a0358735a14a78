// The explorer's own small drawings. They never carry meaning alone: a word stands beside each.

import type { Family } from "../schema";

const drawings = {
  overview: "M3 13a7 7 0 0 1 14 0M10 13l3.2-4.2M3 16.5h14",
  twins: "M4 3.5v11.5h5M4 7.5h5M11 5.5h5.5v4H11zM11 13h5.5v4H11z",
  query: "M3 5l4.5 5L3 15M10 15h7",
  connections:
    "M7 13l6-6M8.5 5.5l1.8-1.8a3.6 3.6 0 0 1 5.1 5.1L13.6 10.6M11.5 14.5l-1.8 1.8a3.6 3.6 0 0 1-5.1-5.1l1.8-1.8",
  alerts: "M10 3.2a4.6 4.6 0 0 0-4.6 4.6c0 4-1.6 5.6-1.6 5.6h12.4s-1.6-1.6-1.6-5.6A4.6 4.6 0 0 0 10 3.2zM8.4 16.2a1.7 1.7 0 0 0 3.2 0",
  violations: "M10 3l7.5 13.5h-15zM10 8v4M10 14.2v.1",
  changes: "M6 4v12M6 4a1.6 1.6 0 1 0 .1 0M6 16a1.6 1.6 0 1 0 .1 0M14 10a1.6 1.6 0 1 0 .1 0M6 10h6.4",
  past: "M4.2 7A6.8 6.8 0 1 1 3.3 11M3.5 3.8V7.2H7M10 6.5V10.3l2.6 1.8",
  theme: "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
  language: "M3 5h9M7.5 3v2M10 5c-.8 4-3.5 6.5-6.5 8M5 8.5c1.2 2.2 3 3.7 5.5 4.7M10.5 17l3.5-8.5 3.5 8.5M11.7 14.3h4.6",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13.2 13.2L17 17",
  SPACE: "M3.5 16.5v-9L10 3.5l6.5 4v9zM8 16.5v-5h4v5",
  EQUIPMENT:
    "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM10 10c-2-1.2-2.2-3-.5-4M10 10c2 1.2 2.2 3 .5 4M10 10c1.2-2 3-2.2 4-.5M10 10c-1.2 2-3 2.2-4 .5",
  OTHER: "M5 5h10v10H5z",
  site: "M4 17V4h7v13M11 8h5v9M2.5 17h15M6.5 7h2M6.5 10h2M6.5 13h2M13 11h1M13 14h1",
  chevron: "M8 5.5l4.5 4.5L8 14.5",
  close: "M5 5l10 10M15 5L5 15",
  play: "M6 4l10 6-10 6z",
  download: "M10 3v9M6 8.5l4 4 4-4M4 16.5h12",
  pencil: "M4 16l1-3.5L13.5 4l2.5 2.5L7.5 15z",
} as const;

export type IconName = keyof typeof drawings;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <path d={drawings[name]} />
    </svg>
  );
}

export const FamilyIcon = ({ family }: { family: Family }) => <Icon name={family} size={16} />;
