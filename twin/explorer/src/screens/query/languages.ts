// How the two query languages and JSON are coloured and completed in the editor.

import { type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { HighlightStyle, LanguageSupport, StreamLanguage, type StreamParser } from "@codemirror/language";
import { json as jsonMode } from "@codemirror/legacy-modes/mode/javascript";
import { sparql as sparqlMode } from "@codemirror/legacy-modes/mode/sparql";
import { tags } from "@lezer/highlight";
import { FIELD_NAMES } from "../../documents";
import { ask } from "../../fetching";

export type QueryLanguage = "graphql" | "sparql";

const graphqlKeywords = /^(query|mutation|subscription|fragment|on|true|false|null)\b/;

const graphqlMode: StreamParser<{ text: boolean }> = {
  name: "graphql",
  startState: () => ({ text: false }),
  token(stream, state) {
    if (state.text || stream.match('"""')) {
      state.text = !stream.skipTo('"""') || !stream.match('"""');
      if (state.text) stream.skipToEnd();
      return "string";
    }
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return "comment";
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/^-?\d+(\.\d+)?([eE][+-]?\d+)?/)) return "number";
    if (stream.match(/^\$\w+/)) return "variableName";
    if (stream.match(/^@\w+/)) return "meta";
    if (stream.match(graphqlKeywords)) return "keyword";
    if (stream.match(/^\w+(?=\s*:)/)) return "attributeName";
    if (stream.match(/^[A-Z]\w*/)) return "typeName";
    if (stream.match(/^\w+/)) return "propertyName";
    stream.next();
    return "punctuation";
  },
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", '"'] } },
};

export const highlighting = HighlightStyle.define([
  { tag: tags.comment, color: "var(--code-comment)" },
  { tag: [tags.keyword, tags.bool, tags.null, tags.standard(tags.variableName)], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: [tags.variableName, tags.special(tags.variableName)], color: "var(--code-variable)" },
  {
    tag: [tags.atom, tags.attributeName, tags.meta, tags.typeName, tags.definition(tags.variableName)],
    color: "var(--code-name)",
  },
]);

const prefixes: Record<string, string> = {
  brick: "https://brickschema.org/schema/Brick#",
  live: "urn:twin:live:",
  owl: "http://www.w3.org/2002/07/owl#",
  quantitykind: "http://qudt.org/vocab/quantitykind/",
  qudt: "http://qudt.org/schema/qudt/",
  rdf: "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
  rdfs: "http://www.w3.org/2000/01/rdf-schema#",
  s4bldg: "https://saref.etsi.org/saref4bldg/",
  saref: "https://saref.etsi.org/core/",
  sh: "http://www.w3.org/ns/shacl#",
  twin: "urn:twin:vocabulary:core#",
  unit: "http://qudt.org/vocab/unit/",
  xsd: "http://www.w3.org/2001/XMLSchema#",
};

/** An IRI as `prefix:local` where a common prefix covers it; null otherwise. */
export function prefixed(iri: string): string | null {
  for (const [prefix, base] of Object.entries(prefixes))
    if (iri.startsWith(base) && /^[\w.-]*$/.test(iri.slice(base.length))) return `${prefix}:${iri.slice(base.length)}`;
  return null;
}

const sparqlWords = `SELECT DISTINCT CONSTRUCT ASK DESCRIBE WHERE FROM NAMED GRAPH OPTIONAL UNION MINUS FILTER BIND VALUES EXISTS NOT
  ORDER BY ASC DESC LIMIT OFFSET GROUP HAVING COUNT SUM AVG MIN MAX SAMPLE GROUP_CONCAT BOUND COALESCE STR LANG DATATYPE REGEX
  CONTAINS STRSTARTS STRENDS LCASE UCASE ROUND ABS NOW IF IN`;

const sparqlCompletions: Completion[] = [
  ...sparqlWords.split(/\s+/).map((label): Completion => ({ label, type: "keyword" })),
  ...Object.entries(prefixes).map(([prefix, base]): Completion => ({
    label: `PREFIX ${prefix}: <${base}>`,
    type: "namespace",
  })),
  { label: "live:value(?property)", type: "function", detail: "the value now; unbound when unavailable" },
  { label: "live:time(?property)", type: "function", detail: "the value's source time" },
  { label: "live:quality(?property)", type: "function", detail: "good, uncertain or bad" },
  { label: "live:age(?property)", type: "function", detail: "seconds since source time" },
  { label: 'live:mean(?property, "PT1H")', type: "function", detail: "the mean of the last hour" },
];

let fieldNames: Promise<Completion[]> | undefined;

async function loadFieldNames(): Promise<Completion[]> {
  const { __schema } = await ask(FIELD_NAMES, {});
  const known = new Map<string, Completion>();
  for (const type of __schema.types)
    for (const field of type.fields ?? [])
      if (!type.name.startsWith("__"))
        known.set(field.name, {
          label: field.name,
          type: "property",
          detail: type.name,
          ...(field.description ? { info: field.description } : {}),
        });
  return [...known.values()];
}

async function completeGraphql(context: CompletionContext): Promise<CompletionResult | null> {
  const word = context.matchBefore(/\w+/);
  if (!word && !context.explicit) return null;
  fieldNames ??= loadFieldNames();
  try {
    return { from: word?.from ?? context.pos, options: await fieldNames, validFor: /^\w*$/ };
  } catch {
    fieldNames = undefined; // names are a convenience: the next key asks again
    return null;
  }
}

function completeSparql(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/[\w:]+/);
  if (!word && !context.explicit) return null;
  return { from: word?.from ?? context.pos, options: sparqlCompletions, validFor: /^[\w:]*$/ };
}

const graphql = StreamLanguage.define(graphqlMode);
const sparql = StreamLanguage.define(sparqlMode);

export const languages = {
  graphql: new LanguageSupport(graphql, graphql.data.of({ autocomplete: completeGraphql })),
  sparql: new LanguageSupport(sparql, sparql.data.of({ autocomplete: completeSparql })),
  json: new LanguageSupport(StreamLanguage.define(jsonMode)),
};
