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

const propertyFields = `${stateFields} name role kind unit { iri symbol label } classes { iri name label vocabulary }
  freshness bound writable minimum maximum states`;

export const SUMMARY = document<{ summary: schema.Summary }>(`query Summary {
  summary { name twins properties live unavailable unbound violations revision }
}`);

export const REVISION = document<{ revision: string }>(`query Revision { revision }`);

export const SITES = document<{ sites: schema.SiteSummary[] }>(`query Sites {
  sites { id name twins properties violations }
}`);

export const CHANGES = document<{ changes: schema.Change[] }>(`query Changes {
  changes(last: 8) { revision time actor reason added removed }
}`);

export const CAPABILITIES = document<{ capabilities: schema.CapabilityScores[] }>(`query Capabilities {
  capabilities { id name twins { qualifies missing twin { id name } score { ${stateFields} } } }
}`);

export const SITE_ROOTS = document<
  { site: { roots: schema.TwinBrief[] } | null },
  { site: string }
>(`query SiteRoots($site: ID!) {
  site(id: $site) { roots { ${briefFields} } }
}`);

export const CONTENTS = document<
  { twin: { contents: schema.Page<schema.TwinBrief> } | null },
  { id: string; first: number; after: string | null }
>(`query Contents($id: ID!, $first: Int!, $after: String) {
  twin(id: $id) {
    contents(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { ${briefFields} } }
  }
}`);

export const PLACE = document<
  { twin: { path: schema.TwinName[]; site: { id: string } } | null },
  { id: string }
>(`query Place($id: ID!) {
  twin(id: $id) { path { id name } site { id } }
}`);

export const TWIN = document<
  { twin: schema.Twin | null; property: { owner: schema.TwinName } | null },
  { id: string }
>(`query Twin($id: ID!) {
  twin(id: $id) {
    id name description family hasContents
    classes { iri name label vocabulary }
    site { id name }
    path { id name }
    relationships(first: 100) { name iri direction twin { id name classes { label } } }
    capabilities { qualifies missing state capability { id name description } score { ${stateFields} } }
    violations { twin rule value path shape severity remedy source }
  }
  property(id: $id) { owner { id name } }
}`);

export const PROPERTIES = document<
  { twin: { properties: schema.Page<schema.Property> } | null },
  { id: string; after: string | null }
>(`query Properties($id: ID!, $after: String) {
  twin(id: $id) {
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
  { id: string; from: string }
>(`query Sparklines($id: ID!, $from: DateTime!) {
  twin(id: $id) {
    properties(first: 100) {
      nodes { id history(from: $from, points: 48) { from to points { time value minimum maximum } } }
    }
  }
}`);

export const HISTORY = document<
  { property: { history: schema.History } | null },
  { id: string; from: string; to: string; points: number; aggregate: "MEAN" | "LAST" }
>(`query History($id: ID!, $from: DateTime!, $to: DateTime!, $points: Int!, $aggregate: Aggregate!) {
  property(id: $id) {
    history(from: $from, to: $to, points: $points, aggregate: $aggregate) { from to points { time value minimum maximum } }
  }
}`);

export const SEARCH = document<
  {
    twins: { totalCount: number; nodes: schema.TwinHit[] };
    properties: { nodes: (schema.TwinName & { owner: schema.TwinHit })[] };
  },
  { text: string }
>(`query Search($text: String!) {
  twins(where: { text: $text }, first: 8) {
    totalCount
    nodes { id name family classes { label } path { id name } site { name } }
  }
  properties(where: { text: $text }, first: 5) {
    nodes { id name owner { id name family classes { label } path { id name } site { name } } }
  }
}`);

export const TWINS = document<
  { twins: schema.Page<schema.TwinHit> },
  { text: string | null; site: string | null; family: schema.Family | null; first: number; after: string | null }
>(`query Twins($text: String, $site: ID, $family: Family, $first: Int!, $after: String) {
  twins(where: { text: $text, site: $site, family: $family }, first: $first, after: $after) {
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

export const VIOLATIONS = document<
  { violations: schema.Page<schema.Violation> & { groups: schema.ViolationGroup[] } },
  { site: string | null; first: number; after: string | null }
>(`query Violations($site: ID, $first: Int!, $after: String) {
  violations(site: $site, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    groups { shape rule count }
    nodes { twin rule value path shape severity remedy source }
  }
}`);

export const AUDITS = document<{ sites: { id: string; name: string; audit: schema.Audit | null }[] }>(`query Audits {
  sites { id name audit { state violations message finishedAt groups { shape rule count } } }
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

export const OBSERVATIONS = document<
  { observations: schema.Observation },
  { twins: string[]; maxRate: number }
>(`subscription Observations($twins: [ID!], $maxRate: Float) {
  observations(twins: $twins, maxRate: $maxRate) { id time receivedTime value quality { code word flags } }
}`);
