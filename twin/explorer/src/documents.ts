// Every GraphQL document the explorer sends, with the types of its answer and variables.
// `${...}` stands only for another constant of this file, so that a test can check each text against the schema.

import type * as schema from "./schema";

export interface Document<Answer, Variables> {
  readonly text: string;
  // Never present: it carries the two types from the document to those who send it.
  readonly types?: (variables: Variables) => Answer;
}

type None = Record<string, never>;

const document = <Answer, Variables = None>(text: string): Document<Answer, Variables> => ({ text });

const stateFields = `id value time age available unavailableSince quality { code word flags }`;

const briefFields = `id name family hasContents classes { label }`;

const connectionFields = `id name protocol endpoint state since error bindings live received decoded rejected lastReceived`;

const changeFields = `revision time actor reason added removed`;

const statementFields = `subject predicate object datatype language`;

const violationFields = `id twin rule value path shape severity remedy source repair since sinceTime`;

const alertFields = `id kind severity state message since assigned consequences(first: 0) { totalCount }`;

const propertyFields = `${stateFields} name role kind unit { iri symbol label } classes { iri name label vocabulary }
  freshness bound writable minimum maximum states
  contract { name met since responsible breached { clause since message } }`;

export const SUMMARY = document<{ summary: schema.Summary }>(`query Summary {
  summary { name twins properties live unavailable unbound violations revision }
}`);

export const ALERTS = document<
  { alerts: schema.Page<schema.AlertBrief> },
  {
    states: schema.AlertStateName[];
    kinds: schema.AlertKind[] | null;
    severities: schema.AlertSeverity[] | null;
    site: string | null;
    text: string | null;
    about: string | null;
    first: number;
    after: string | null;
  }
>(`query Alerts($states: [AlertState!], $kinds: [AlertKind!], $severities: [AlertSeverity!], $site: ID, $text: String,
    $about: ID, $first: Int!, $after: String) {
  alerts(where: {states: $states, kinds: $kinds, severities: $severities, site: $site, text: $text, about: $about},
      first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } nodes { ${alertFields} }
  }
}`);

export const ALERT = document<{ alert: schema.Alert | null }, { id: string }>(`query Alert($id: ID!) {
  alert(id: $id) {
    ${alertFields} about times acknowledgedBy shelvedUntil clearedAt twin { id name } property { id name }
    cause { id message } transitions { time actor action note }
  }
}`);

export const ALERT_CONSEQUENCES = document<
  { alert: { consequences: schema.Page<schema.AlertConsequence> } | null },
  { id: string; first: number; after: string | null }
>(`query AlertConsequences($id: ID!, $first: Int!, $after: String) {
  alert(id: $id) {
    consequences(first: $first, after: $after) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { about message since property { id name available unavailableSince owner { id name } } }
    }
  }
}`);

export const ALERT_COUNT = document<{ alerts: { totalCount: number } }>(`query AlertCount {
  alerts(where: {states: [RAISED], severities: [WARNING, CRITICAL]}, first: 0) { totalCount }
}`);

export const ACKNOWLEDGE_ALERT = document<unknown, { id: string }>(`mutation AcknowledgeAlert($id: ID!) {
  acknowledgeAlert(id: $id) { id }
}`);

export const SHELVE_ALERT = document<unknown, { id: string; until: string }>(`mutation ShelveAlert($id: ID!, $until: DateTime!) {
  shelveAlert(id: $id, until: $until) { id }
}`);

export const ASSIGN_ALERT = document<unknown, { id: string; to: string }>(`mutation AssignAlert($id: ID!, $to: String!) {
  assignAlert(id: $id, to: $to) { id }
}`);

export const CLEAR_ALERT = document<unknown, { id: string }>(`mutation ClearAlert($id: ID!) {
  clearAlert(id: $id) { id }
}`);

export const REVISION = document<{ revision: string }>(`query Revision { revision }`);

export const SITES = document<{ sites: schema.SiteSummary[] }>(`query Sites {
  sites { id name twins properties violations }
}`);

export const SITE_NAMES = document<{ sites: schema.SiteName[] }, { asOf: string | null }>(`query SiteNames($asOf: String) {
  sites(asOf: $asOf) { id name }
}`);

export const CHANGES = document<
  { changes: schema.Change[] },
  { twin: string | null; last: number; after: string | null }
>(`query Changes($twin: ID, $last: Int!, $after: String) {
  changes(twin: $twin, last: $last, before: $after) { ${changeFields} }
}`);

export const NEXT_CHANGE = document<
  { changes: schema.Change[] },
  { since: string }
>(`query NextChange($since: String!) {
  changes(since: $since, last: 1) { ${changeFields} }
}`);

export const DIFFERENCE = document<
  { difference: schema.Difference },
  { from: string; to: string; first: number; after: string | null }
>(`query Difference($from: String!, $to: String!, $first: Int!, $after: String) {
  difference(from: $from, to: $to, first: $first, after: $after) {
    from to added removed totalCount
    pageInfo { hasNextPage endCursor }
    twins { twin name added { ${statementFields} } removed { ${statementFields} } }
  }
}`);

export const MOMENT = document<
  { difference: { from: string } },
  { asOf: string }
>(`query Moment($asOf: String!) {
  difference(from: $asOf, to: $asOf, first: 0) { from }
}`);

export const CAPABILITIES = document<{ capabilities: schema.CapabilityScores[] }>(`query Capabilities {
  capabilities { id name twins { qualifies missing twin { id name } score { ${stateFields} } } }
}`);

export const SITE_ROOTS = document<
  { site: { roots: schema.TwinBrief[] } | null },
  { site: string; asOf: string | null }
>(`query SiteRoots($site: ID!, $asOf: String) {
  site(id: $site, asOf: $asOf) { roots { ${briefFields} } }
}`);

export const CONTENTS = document<
  { twin: { contents: schema.Page<schema.TwinBrief> } | null },
  { id: string; first: number; after: string | null; asOf: string | null }
>(`query Contents($id: ID!, $first: Int!, $after: String, $asOf: String) {
  twin(id: $id, asOf: $asOf) {
    contents(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { ${briefFields} } }
  }
}`);

export const PLACE = document<
  { twin: { path: schema.TwinName[]; site: { id: string } } | null },
  { id: string; asOf: string | null }
>(`query Place($id: ID!, $asOf: String) {
  twin(id: $id, asOf: $asOf) { path { id name } site { id } }
}`);

export const TWIN = document<
  { twin: schema.Twin | null; property: { owner: schema.TwinName } | null },
  { id: string; asOf: string | null }
>(`query Twin($id: ID!, $asOf: String) {
  twin(id: $id, asOf: $asOf) {
    id name description family hasContents
    classes { iri name label vocabulary }
    site { id name }
    path { id name }
    relationships(first: 100) { name iri direction twin { id name classes { label } } }
    capabilities { qualifies missing state capability { id name description } score { ${stateFields} } }
    violations { ${violationFields} }
  }
  property(id: $id, asOf: $asOf) { owner { id name } }
}`);

export const PROPERTIES = document<
  { twin: { properties: schema.Page<schema.Property> } | null },
  { id: string; after: string | null; asOf: string | null }
>(`query Properties($id: ID!, $after: String, $asOf: String) {
  twin(id: $id, asOf: $asOf) {
    properties(first: 100, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { ${propertyFields} } }
  }
}`);

export const STATES = document<
  { twin: { properties: { nodes: schema.PropertyState[] } } | null },
  { id: string; first: number }
>(`query States($id: ID!, $first: Int!) {
  twin(id: $id) { properties(first: $first) { nodes { ${stateFields} } } }
}`);

export const SPARKLINES = document<
  { twin: { properties: { nodes: { id: string; history: schema.History }[] } } | null },
  { id: string; from: string; asOf: string | null }
>(`query Sparklines($id: ID!, $from: DateTime!, $asOf: String) {
  twin(id: $id, asOf: $asOf) {
    properties(first: 100) {
      nodes { id history(from: $from, points: 48) { from to points { time value minimum maximum } } }
    }
  }
}`);

export const HISTORY = document<
  { property: { history: schema.History } | null },
  { id: string; asOf: string | null; from: string; to: string; points: number; aggregate: "MEAN" | "LAST" }
>(`query History(
  $id: ID!, $asOf: String, $from: DateTime!, $to: DateTime!, $points: Int!, $aggregate: Aggregate!
) {
  property(id: $id, asOf: $asOf) {
    history(from: $from, to: $to, points: $points, aggregate: $aggregate) { from to points { time value minimum maximum } }
  }
}`);

export const SEARCH = document<
  {
    twins: { totalCount: number; nodes: schema.TwinHit[] };
    properties: { nodes: (schema.TwinName & { owner: schema.TwinHit })[] };
  },
  { text: string; asOf: string | null }
>(`query Search($text: String!, $asOf: String) {
  twins(where: { text: $text }, first: 8, asOf: $asOf) {
    totalCount
    nodes { id name family classes { label } path { id name } site { name } }
  }
  properties(where: { text: $text }, first: 5, asOf: $asOf) {
    nodes { id name owner { id name family classes { label } path { id name } site { name } } }
  }
}`);

export const TWINS = document<
  { twins: schema.Page<schema.TwinHit> },
  {
    text: string | null;
    site: string | null;
    family: schema.Family | null;
    first: number;
    after: string | null;
    asOf: string | null;
  }
>(`query Twins($text: String, $site: ID, $family: Family, $first: Int!, $after: String, $asOf: String) {
  twins(where: { text: $text, site: $site, family: $family }, first: $first, after: $after, asOf: $asOf) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { id name family classes { label } path { id name } site { name } }
  }
}`);

export const CONNECTIONS = document<{ connections: schema.ConnectionBrief[] }>(`query Connections {
  connections { ${connectionFields} }
}`);

export const CONNECTION = document<
  { connection: schema.Connection | null },
  { id: string }
>(`query Connection($id: ID!) {
  connection(id: $id) {
    ${connectionFields}
    log { time level message }
    rejections { time address reason sample count }
  }
}`);

export const REJECTED = document<
  { connection: { rejectedPayloads: schema.RejectedPayloads } | null },
  { id: string }
>(`query Rejected($id: ID!) {
  connection(id: $id) {
    rejectedPayloads(first: 20) { total bytes items { id receivedTime address reason bytes text base64 } }
  }
}`);

export const REPROCESS = document<
  { reprocess: schema.Reprocessed },
  { connection: string; from: string; dryRun: boolean }
>(`mutation Reprocess($connection: ID!, $from: DateTime!, $dryRun: Boolean!) {
  reprocess(connection: $connection, from: $from, dryRun: $dryRun) {
    dryRun payloads same new changed rejected replaced
    byProperty { property same new changed largestDifference } differences { property time before after }
  }
}`);

export const LINEAGE = document<
  { property: { lineage: schema.ValueLineage | null } | null },
  { id: string }
>(`query Lineage($id: ID!) {
  property(id: $id) {
    lineage {
      time receivedTime corrected
      origin { kind subject address codec revision connection { id name } }
      payloads { sha256 bytes text base64 } checks { name value }
      versions { value origin { kind } } schemaVersions { revision }
    }
  }
}`);

export const VIOLATIONS = document<
  { violations: schema.Page<schema.Violation> & { groups: schema.ViolationGroup[] } },
  {
    site: string | null;
    shape: string | null;
    severity: string | null;
    twin: string | null;
    first: number;
    after: string | null;
    asOf: string | null;
  }
>(`query Violations(
  $site: ID, $shape: ID, $severity: String, $twin: ID, $first: Int!, $after: String, $asOf: String
) {
  violations(
    site: $site, shape: $shape, severity: $severity, twin: $twin, first: $first, after: $after, asOf: $asOf
  ) {
    totalCount
    pageInfo { hasNextPage endCursor }
    groups { shape rule severity source count }
    nodes { ${violationFields} }
  }
}`);

export const BREAKERS = document<
  { violations: { totalCount: number; twins: { twin: string; count: number }[] } },
  { site: string | null; shape: string | null; severity: string | null; first: number; asOf: string | null }
>(`query Breakers($site: ID, $shape: ID, $severity: String, $first: Int!, $asOf: String) {
  violations(site: $site, shape: $shape, severity: $severity, first: $first, asOf: $asOf) { totalCount twins { twin count } }
}`);

export const REPAIR = document<
  { applyRepair: schema.Repair },
  { violation: string; dryRun: boolean }
>(`mutation Repair($violation: ID!, $dryRun: Boolean!) {
  applyRepair(violation: $violation, dryRun: $dryRun) { revision sentence added removed resolved }
}`);

export const AUDITS = document<
  { sites: { id: string; name: string; audit: schema.Audit | null }[] },
  { asOf: string | null }
>(`query Audits($asOf: String) {
  sites(asOf: $asOf) { id name audit { state violations message finishedAt groups { shape rule severity source count } } }
}`);

export const SAVED_QUERIES = document<{ savedQueries: schema.SavedQuery[] }>(`query SavedQueries {
  savedQueries { name title language text }
}`);

export const FIELD_NAMES = document<{
  __schema: { types: { name: string; fields: { name: string; description: string | null }[] | null }[] };
}>(`query FieldNames {
  __schema { types { name fields { name description } } }
}`);

export const SET_PROPERTY = document<
  { setProperty: schema.Command },
  { property: string; value: schema.Value }
>(`mutation SetProperty($property: ID!, $value: Value!) {
  setProperty(property: $property, value: $value, wait: false) { id value state message readBack }
}`);

export const COMMAND = document<{ command: schema.Command | null }, { id: string }>(`query Command($id: ID!) {
  command(id: $id) { id value state message readBack }
}`);

export const CHANGED = document<
  { changes: schema.Change },
  { since: string | null }
>(`subscription Changed($since: String) {
  changes(since: $since) { ${changeFields} }
}`);

export const OBSERVATIONS = document<
  { observations: schema.Observation },
  { twins: string[]; maxRate: number }
>(`subscription Observations($twins: [ID!], $maxRate: Float) {
  observations(twins: $twins, maxRate: $maxRate) { id time receivedTime value quality { code word flags } }
}`);
