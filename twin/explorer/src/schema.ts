// The parts of the server's GraphQL answers that the explorer reads, one type for each selection in documents.ts.

export type Value = number | string | boolean | null;
export type Kind = "NUMBER" | "BOOLEAN" | "STATE" | "TEXT";
export type Family = "SPACE" | "EQUIPMENT" | "OTHER";

export interface PageInfo {
  hasNextPage: boolean;
  endCursor: string | null;
}

export interface Page<Item> {
  nodes: Item[];
  pageInfo: PageInfo;
  totalCount: number;
}

/** A page of a list that the server does not count. */
export interface OpenPage<Item> extends Omit<Page<Item>, "totalCount"> {
  totalCount: null;
}

export interface Class {
  iri: string;
  name: string;
  label: string;
  vocabulary: string;
}

export interface Unit {
  iri: string;
  symbol: string;
  label: string;
}

export interface Quality {
  code: number;
  word: string;
  flags: string[];
}

export interface TwinName {
  id: string;
  name: string;
}

export interface TwinBrief extends TwinName {
  family: Family;
  hasContents: boolean;
  classes: Pick<Class, "label">[];
}

export interface TwinHit extends TwinName {
  family: Family;
  classes: Pick<Class, "label">[];
  path: TwinName[];
  site: { name: string };
}

/** What the server says about a property's present; `age` is in seconds at the moment of the answer. */
export interface PropertyState {
  id: string;
  value: Value;
  time: string | null;
  age: number | null;
  available: boolean;
  unavailableSince: string | null;
  quality: Quality;
}

/** What is promised of a property's values, and whether it is kept. */
export interface Contract {
  name: string;
  met: boolean;
  since: string | null;
  responsible: string | null;
  breached: { clause: string; since: string; message: string }[];
}

export type AlertSeverity = "NOTICE" | "WARNING" | "CRITICAL";
export type AlertKind = "BREACH" | "UNAVAILABLE" | "QUALITY" | "VIOLATION" | "CONNECTION" | "STORAGE";
export type AlertStateName = "RAISED" | "ACKNOWLEDGED" | "SHELVED" | "CLEARED";

export interface AlertBrief {
  id: string;
  kind: AlertKind;
  severity: AlertSeverity;
  state: AlertStateName;
  message: string;
  since: string;
  assigned: string | null;
  consequences: { totalCount: number };
}

export interface Alert extends AlertBrief {
  about: string;
  times: number;
  acknowledgedBy: string | null;
  shelvedUntil: string | null;
  clearedAt: string | null;
  twin: TwinName | null;
  property: TwinName | null;
  cause: { id: string; message: string } | null;
  transitions: { time: string; actor: string; action: string; note: string }[];
}

export interface AlertConsequence {
  about: string;
  message: string;
  since: string;
  property:
    | (TwinName & { available: boolean; unavailableSince: string | null; owner: TwinName | null })
    | null;
}

export interface Property extends PropertyState {
  name: string;
  role: string;
  kind: Kind;
  unit: Unit | null;
  classes: Class[];
  freshness: number;
  bound: boolean;
  writable: boolean;
  minimum: number | null;
  maximum: number | null;
  states: string[];
  /** Null where there is none, and in the past. */
  contract: Contract | null;
}

export interface Relationship {
  name: string;
  iri: string;
  direction: "OUT" | "IN";
  twin: TwinName & { classes: Pick<Class, "label">[] };
}

export interface Violation {
  id: string;
  twin: string;
  rule: string;
  value: string | null;
  path: string | null;
  shape: string;
  severity: string;
  remedy: string;
  source: string;
  /** What a mechanical repair would do, in words; null where it takes a person, and as of the past. */
  repair: string | null;
  /** The revision from which it stands, and when that was made; null from before that was kept. */
  since: string | null;
  sinceTime: string | null;
}

export interface ViolationGroup {
  shape: string;
  rule: string;
  severity: string;
  source: string;
  count: number;
}

export interface Repair {
  /** Null for a dry run. */
  revision: string | null;
  sentence: string;
  /** N-Quads. */
  added: string[];
  removed: string[];
  resolved: number;
}

/** One statement of the graph; without a datatype its object is an IRI. */
export interface Statement {
  subject: string;
  predicate: string;
  object: string;
  datatype: string | null;
  language: string | null;
}

export interface TwinDifference {
  twin: string;
  name: string;
  added: Statement[];
  removed: Statement[];
}

export interface Difference {
  from: string;
  to: string;
  added: number;
  removed: number;
  twins: TwinDifference[];
  pageInfo: PageInfo;
  totalCount: number;
}

export interface TwinCapability {
  qualifies: boolean;
  missing: string[];
  state: string;
  capability: { id: string; name: string; description: string };
  score: PropertyState | null;
}

export interface Twin extends TwinName {
  description: string;
  family: Family;
  classes: Class[];
  hasContents: boolean;
  site: { id: string; name: string };
  path: TwinName[];
  relationships: Relationship[];
  /** The past does not tell these two. */
  capabilities?: TwinCapability[];
  violations?: Violation[];
}

export interface Summary {
  name: string;
  twins: number;
  properties: number;
  live: number;
  unavailable: number;
  unbound: number;
  violations: number;
  revision: string;
}

export interface SiteName {
  id: string;
  name: string;
}

export interface SiteSummary extends SiteName {
  twins: number;
  properties: number;
  violations: number;
}

export interface Audit {
  state: string;
  violations: number;
  message: string;
  finishedAt: string | null;
  groups: ViolationGroup[];
}

export interface Change {
  revision: string;
  time: string;
  actor: string;
  reason: string;
  added: number;
  removed: number;
}

export interface CapabilityScores {
  id: string;
  name: string;
  twins: { qualifies: boolean; missing: string[]; twin: TwinName; score: PropertyState | null }[];
}

export interface ConnectionBrief {
  id: string;
  name: string;
  protocol: string;
  endpoint: string;
  state: string;
  since: string;
  error: string;
  bindings: number;
  live: number;
  received: number;
  decoded: number;
  rejected: number;
  lastReceived: string | null;
}

export interface Connection extends ConnectionBrief {
  log: { time: string; level: string; message: string }[];
  rejections: { time: string; address: string; reason: string; sample: string; count: number }[];
}

export interface RejectedPayload {
  id: string;
  receivedTime: string;
  address: string;
  reason: string;
  bytes: number;
  text: string | null;
  base64: string;
}

export interface RejectedPayloads {
  total: number;
  bytes: number;
  items: RejectedPayload[];
}

export interface Reprocessed {
  dryRun: boolean;
  payloads: number;
  same: number;
  new: number;
  changed: number;
  rejected: number;
  replaced: number;
  byProperty: { property: string; same: number; new: number; changed: number; largestDifference: number }[];
  differences: { property: string; time: string; before: Value; after: Value }[];
}

export interface ValueLineage {
  time: string;
  receivedTime: string;
  corrected: boolean;
  origin: {
    kind: string;
    subject: string;
    address: string | null;
    codec: string | null;
    revision: string | null;
    connection: { id: string; name: string } | null;
  } | null;
  payloads: { sha256: string; bytes: number; text: string | null; base64: string }[];
  checks: { name: string; value: number }[];
  versions: { value: Value; origin: { kind: string } | null }[];
  schemaVersions: { revision: string | null }[];
}

export interface HistoryPoint {
  time: string;
  value: Value;
  minimum: number | null;
  maximum: number | null;
}

export interface History {
  from: string;
  to: string;
  points: HistoryPoint[];
}

export interface SavedQuery {
  name: string;
  title: string;
  language: string;
  text: string;
}

export interface Command {
  id: string;
  value: Value;
  state: string;
  message: string;
  readBack: Value;
}

export interface Observation {
  id: string;
  time: string;
  receivedTime: string;
  value: Value;
  quality: Quality;
}
