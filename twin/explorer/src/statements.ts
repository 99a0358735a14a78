// Statements of the graph as they come from the server (N-Quads), and as people say them.

import { localName, shortName } from "./format";
import type { Statement } from "./schema";
import type { Words } from "./words";

const rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
export const TYPE = `${rdf}type`;
export const LABEL = "http://www.w3.org/2000/01/rdf-schema#label";
const text = "http://www.w3.org/2001/XMLSchema#string";

const node = String.raw`(?:<([^>]*)>|(_:\S+))`;
const literal = String.raw`"((?:[^"\\]|\\.)*)"(?:\^\^<([^>]*)>|@([A-Za-z0-9-]+))?`;
const line = new RegExp(`^\\s*${node}\\s+<([^>]*)>\\s+(?:${node}|${literal})(?:\\s|$)`, "s");

const escapes: Record<string, string> = { t: "\t", b: "\b", n: "\n", r: "\r", f: "\f" };

const unescaped = (written: string): string =>
  written.replace(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/gs, (_, four?: string, eight?: string, one?: string) =>
    four || eight ? String.fromCodePoint(parseInt((four ?? eight)!, 16)) : (escapes[one!] ?? one!),
  );

/** The statement that a line of N-Quads makes; null for a line that is none. */
export function statementOf(quad: string): Statement | null {
  const found = line.exec(quad);
  if (!found) return null;
  const [, iri, blank, predicate, object, nameless, content, datatype, language] = found;
  const target = object ?? nameless;
  return {
    subject: unescaped(iri ?? blank ?? ""),
    predicate: unescaped(predicate ?? ""),
    object: unescaped(target ?? content ?? ""),
    datatype: target === undefined ? (datatype ?? (language ? `${rdf}langString` : text)) : null,
    language: language ?? null,
  };
}

/** A predicate in words: those everybody meets have their own, the others are read out of their names. */
export function predicateWords(iri: string, words: Words): string {
  const name = iri === TYPE ? "type" : shortName(iri);
  return words.predicates[name] ?? name.replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
}

/** What a person recognises of a node without a label. */
export const nodeName = (iri: string): string =>
  iri.startsWith("urn:twin:") && !iri.startsWith("urn:twin:vocabulary:") ? localName(iri) : shortName(iri);

/** What a person recognises of a class. */
export const className = (iri: string): string => shortName(iri).replaceAll("_", " ");

/** Whether a node may have a page: assets of a site have, classes and units have not. */
export const mayHavePage = (iri: string): boolean =>
  /^urn:twin:(?!vocabulary:|shapes:|capability:|connection:|revision)[^:]+:./.test(iri) && !iri.includes(":connection:");

/** The page of the node that a finding is about: a binding is seen on the page of its property. */
export const pageOf = (iri: string): string => iri.replace(/#binding$/, "");
