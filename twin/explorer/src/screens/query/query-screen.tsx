// Asking by hand: GraphQL or SPARQL, from a saved query or one's own, with the text in the address.

import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { SAVED_QUERIES } from "../../documents";
import { Failure, useQuery } from "../../fetching";
import { Icon } from "../../parts/icons";
import { Empty, FailureNotice, Skeleton } from "../../parts/notices";
import { useTitle } from "../../routing";
import type { SavedQuery } from "../../schema";
import { useWords } from "../../words";
import { Editor } from "./editor";
import type { QueryLanguage } from "./languages";
import { DownloadCsv, Results } from "./results";
import { runGraphql, runSparql, type Result } from "./running";

const names: Record<QueryLanguage, string> = { graphql: "GraphQL", sparql: "SPARQL" };

const starts: Record<QueryLanguage, string> = {
  graphql: `{
  summary { name live unavailable }
  twins(first: 10) {
    nodes { name classes { label } }
  }
}
`,
  sparql: `PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX twin: <urn:twin:vocabulary:core#>
PREFIX live: <urn:twin:live:>

SELECT ?name ?role ?value WHERE {
  ?twin twin:hasProperty ?property ; rdfs:label ?name .
  ?property twin:role ?role .
  BIND(live:value(?property) AS ?value)
}
LIMIT 50
`,
};

interface Draft {
  language: QueryLanguage;
  texts: Record<QueryLanguage, string>;
  variables: string;
}

// Kept while other screens are looked at.
let draft: Draft = { language: "graphql", texts: { ...starts }, variables: "" };

/** The address holds the query behind `#`: it is shared with the link, and never sent with the page's request. */
function fromAddress(): Draft {
  const parts = new URLSearchParams(location.hash.slice(1));
  const language = parts.get("language");
  if (language !== "graphql" && language !== "sparql") return draft;
  return {
    language,
    texts: { ...draft.texts, [language]: parts.get("text") ?? draft.texts[language] },
    variables: parts.get("variables") ?? "",
  };
}

function toAddress({ language, texts, variables }: Draft): void {
  const parts = new URLSearchParams({ language, text: texts[language] });
  if (language === "graphql" && variables.trim()) parts.set("variables", variables);
  history.replaceState(null, "", `/query#${parts}`);
}

type Run = { state: "none" | "running" | "cancelled" } | { state: "failed"; failure: Failure };

export function QueryScreen() {
  const words = useWords();
  useTitle(words.query.title);
  const [current, setCurrent] = useState(fromAddress);
  const [run, setRun] = useState<Run>({ state: "none" });
  const [result, setResult] = useState<Result | null>(null);
  const abort = useRef<AbortController>(undefined);
  const { data, failure, again } = useQuery(SAVED_QUERIES, {});
  const { language, texts, variables } = current;

  useEffect(() => {
    draft = current;
    const timer = window.setTimeout(() => toAddress(current), 300);
    return () => window.clearTimeout(timer);
  }, [current]);
  useEffect(() => () => abort.current?.abort(), []);

  const choose = (next: Partial<Draft>) => {
    abort.current?.abort();
    setRun({ state: "none" });
    setResult(null);
    setCurrent({ ...current, ...next });
  };

  const start = async () => {
    abort.current?.abort();
    const { signal } = (abort.current = new AbortController());
    setRun({ state: "running" });
    setResult(null);
    try {
      if (language === "sparql") setResult(await runSparql(texts.sparql, signal));
      else await runGraphql(texts.graphql, variables, words.query.variablesWrong, signal, setResult);
      if (abort.current.signal === signal) setRun({ state: "none" });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Failure)) throw error;
      setRun({ state: "failed", failure: error });
    }
  };

  const cancel = () => {
    abort.current?.abort();
    setRun({ state: result ? "none" : "cancelled" });
  };

  // Wherever the focus is, as on a saved query just chosen; in the editor its own key map has taken the key already.
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
    event.preventDefault();
    void start();
  };

  return (
    <div className="query-screen" onKeyDown={onKeyDown}>
      <h1 className="unseen">{words.query.title}</h1>
      <aside className="saved">
        <h2>{words.query.saved}</h2>
        {failure && <FailureNotice failure={failure} retry={again} />}
        {!data && !failure && <Skeleton />}
        {data && (
          <SavedList
            queries={data.savedQueries.filter((each) => each.language === language)}
            text={texts[language]}
            choose={(text) => choose({ texts: { ...texts, [language]: text } })}
          />
        )}
      </aside>
      <div className="query-work">
        <div className="query-bar">
          <div className="choice" role="tablist" aria-label={words.query.language}>
            {(Object.keys(names) as QueryLanguage[]).map((each) => (
              <button
                key={each}
                type="button"
                role="tab"
                aria-selected={each === language}
                className={each === language ? "is-on" : ""}
                onClick={() => choose({ language: each })}
              >
                {names[each]}
              </button>
            ))}
          </div>
          <span className="spacer" />
          <kbd aria-hidden="true">{words.query.shortcut}</kbd>
          {run.state === "running" ? (
            <button type="button" className="button is-main" onClick={cancel}>
              <Icon name="close" size={16} />
              {words.query.cancel}
            </button>
          ) : (
            <button type="button" className="button is-main" onClick={() => void start()}>
              <Icon name="play" size={16} />
              {words.query.run}
            </button>
          )}
        </div>
        <div className="query-editor">
          <Editor
            key={language}
            label={words.query.editor(names[language])}
            language={language}
            text={texts[language]}
            change={(text) => setCurrent((before) => ({ ...before, texts: { ...before.texts, [language]: text } }))}
            run={() => void start()}
          />
        </div>
        {language === "graphql" && (
          <details className="variables" open={variables !== ""}>
            <summary>{words.query.variables}</summary>
            <textarea
              aria-label={words.query.variables}
              rows={3}
              spellCheck={false}
              value={variables}
              onChange={(event) => setCurrent({ ...current, variables: event.target.value })}
            />
          </details>
        )}
        <section className="query-results" aria-label={words.query.results}>
          <header className="panel-head">
            <h2>{words.query.results}</h2>
            <span className="muted tabular" role="status">
              {run.state === "running" && !result && words.query.running}
              {result &&
                (result.kind === "rows"
                  ? words.query.rows(result.rows.length, result.milliseconds)
                  : words.query.took(result.milliseconds))}
            </span>
            {result && <DownloadCsv result={result} />}
          </header>
          {run.state === "failed" && <FailureNotice failure={run.failure} title={words.query.wrong} />}
          {run.state === "cancelled" && <Empty>{words.query.cancelled}</Empty>}
          {run.state === "running" && !result && <Skeleton rows={6} />}
          {run.state === "none" && !result && <Empty>{words.query.start}</Empty>}
          {result && <Results result={result} />}
        </section>
      </div>
    </div>
  );
}

function SavedList({ queries, text, choose }: { queries: SavedQuery[]; text: string; choose: (text: string) => void }) {
  const words = useWords();
  if (queries.length === 0) return <Empty>{words.query.noSaved}</Empty>;
  return (
    <ul>
      {queries.map((query) => (
        <li key={query.name}>
          <button
            type="button"
            className={query.text === text ? "card is-selected" : "card"}
            aria-pressed={query.text === text}
            onClick={() => choose(query.text)}
          >
            <SavedTitle title={query.title} />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** "Warm rooms: every room above 22 °C" is a name and what it is for. */
function SavedTitle({ title }: { title: string }) {
  const colon = title.indexOf(": ");
  if (colon < 0) return title;
  return (
    <>
      {title.slice(0, colon)}
      <span className="unseen">: </span>
      <small className="muted">{title.slice(colon + 2)}</small>
    </>
  );
}
