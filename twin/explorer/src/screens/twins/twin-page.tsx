// One twin: what it is, what it says now, what it said before, what it is linked to and what is wrong with it.

import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { spanOf, spans, type Histories, type Span } from "../../charts/histories";
import { PROPERTIES, SPARKLINES, STATES, TWIN } from "../../documents";
import { useQuery } from "../../fetching";
import { ReadingsOfScreen, useReadings } from "../../live/readings";
import { LinkNotice } from "../../parts/link-notice";
import { Empty, FailureNotice, More, Panel, Skeleton } from "../../parts/notices";
import { usePages, type Listed } from "../../paging";
import { usePast } from "../../past";
import { Link, navigate, paths, usePath, useSearch, useTitle } from "../../routing";
import type { History, Property, Twin } from "../../schema";
import { useWords } from "../../words";
import { PropertiesTable } from "./properties-table";
import { RevisionsPanel } from "./revisions-panel";
import { CapabilitiesPanel, ContentsPanel, RelationshipsPanel } from "./twin-panels";
import { ViolationsPanel } from "./violations-panel";

const HistoryChart = lazy(() =>
  import("../../charts/history-chart").then((chart) => ({ default: chart.HistoryChart })),
);

export function TwinPage({ id, found }: { id: string; found: (twin: Twin | null) => void }) {
  const words = useWords();
  const past = usePast();
  const asOf = past?.asOf ?? null;
  // The past stays as it is.
  const every = past ? 0 : 30;
  const asked = useQuery(TWIN, { id, asOf }, { every });
  const properties = usePages(PROPERTIES, { id, asOf }, (answer) => answer.twin?.properties, { every });
  const twin = asked.data?.twin ?? null;
  const owner = asked.data && !twin ? asked.data.property?.owner.id : undefined;
  useTitle(twin?.name ?? words.screens.twins);
  useEffect(() => found(twin), [twin?.id, twin?.name]);
  useEffect(() => {
    // A property has no page of its own: it is shown on its owner's.
    if (owner) navigate(paths.property(owner, id), { replace: true });
  }, [owner, id]);

  if (asked.failure && !asked.data) return <FailureNotice failure={asked.failure} retry={asked.again} />;
  if (asked.loading || properties.loading || owner) return <Skeleton rows={12} />;
  if (!twin)
    return (
      <Empty title={past ? words.past.noTwin : words.twin.notFound}>
        {past ? words.past.noTwinRemedy : words.twin.notFoundRemedy}
        <br />
        <code>{id}</code>
      </Empty>
    );
  return (
    <>
      {!past && <LinkNotice />}
      <TwinHead twin={twin} />
      <TwinBody twin={twin} listed={properties} again={asked.again} />
    </>
  );
}

function TwinHead({ twin }: { twin: Twin }) {
  const words = useWords();
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard.writeText(twin.id).then(() => {
      setCopied(true);
      window.setTimeout(() => setCopied(false), 2000);
    });
  };
  return (
    <header className="twin-head">
      <h1>{twin.name}</h1>
      <p className="classes">
        {twin.classes.map((each) => (
          <span key={each.iri} className="chip" title={each.iri}>
            {each.label}
            <small>{each.vocabulary}</small>
          </span>
        ))}
        <span className="identifier">
          <code title={words.twin.identifier}>{twin.id}</code>
          {/* The clipboard exists only in what the browser calls a secure context. */}
          {window.isSecureContext && (
            <button type="button" className="button is-quiet" onClick={copy}>
              {copied ? words.twin.copied : words.twin.copy}
            </button>
          )}
        </span>
      </p>
      {twin.description && <p className="description">{twin.description}</p>}
    </header>
  );
}

// What people look at first, where a twin has it.
const telling = ["zone_air_temperature", "supply_air_temperature"];

function standardProperty(properties: Property[]): Property | undefined {
  const drawable = properties.filter((each) => each.kind !== "TEXT" && each.bound);
  const numbers = drawable.filter((each) => each.kind === "NUMBER");
  return numbers.find((each) => telling.includes(each.role)) ?? numbers.find((each) => !each.writable) ?? drawable[0];
}

/** What is drawn and over which span: the reader's choice, kept in the address, or else what there is to see. */
function useChart(properties: Property[]) {
  const path = usePath();
  const search = useSearch();
  const [youth, setYouth] = useState<Span | null>(null);
  const asked = search.getAll("property");
  const standard = standardProperty(properties);
  const known = asked.filter((id) => properties.some((each) => each.id === id));
  const charted = search.has("property") ? known : standard ? [standard.id] : [];
  const chosen = search.get("span");
  const chosenSpan = chosen !== null && chosen in spans ? (chosen as Span) : null;
  const put = (ids: string[], over: Span | null) => {
    const next = new URLSearchParams();
    // An empty choice is a choice too.
    for (const id of ids.length ? ids : [""]) next.append("property", id);
    if (over) next.set("span", over);
    navigate(`${path}?${next}`, { replace: true });
  };
  return {
    charted,
    span: chosenSpan ?? youth ?? "24h",
    toggle: (id: string) => {
      const without = charted.filter((each) => each !== id);
      put(without.length < charted.length ? without : [...charted, id], chosenSpan);
    },
    setSpan: (over: Span) => put(charted, over),
    // The first hours of a building would be a sliver at the end of an empty day.
    answered: (histories: Histories) => {
      const needed = spanOf(histories);
      if (!chosenSpan) setYouth(needed && needed !== "7d" ? needed : null);
    },
  };
}

const noHistories = new Map<string, History>();

function useSparklines(twin: Twin, any: boolean): Map<string, History> {
  const past = usePast();
  const [from, setFrom] = useState(() => new Date((past?.time ?? Date.now()) - 3_600_000).toISOString());
  useEffect(() => {
    if (past) return;
    const timer = window.setInterval(() => setFrom(new Date(Date.now() - 3_600_000).toISOString()), 60_000);
    return () => window.clearInterval(timer);
  }, []);
  const { data } = useQuery(SPARKLINES, any ? { id: twin.id, from, asOf: past?.asOf ?? null } : null);
  const [kept, keep] = useState(noHistories);
  useEffect(() => {
    if (data?.twin) keep(new Map(data.twin.properties.nodes.map((node) => [node.id, node.history])));
  }, [data]);
  return kept;
}

function TwinBody({
  twin,
  listed,
  again,
}: {
  twin: Twin;
  listed: Listed<Property, unknown>;
  again: () => void;
}) {
  const words = useWords();
  const past = usePast();
  const readings = useReadings(twin.id, past?.asOf ?? null);
  const { items: properties, asked, total, more, busy, failure } = listed;
  const chart = useChart(properties);
  const sparklines = useSparklines(twin, properties.length > 0);
  const states = useQuery(STATES, properties.length && !past ? { id: twin.id, first: properties.length } : null, {
    every: 5,
  });
  useMemo(() => readings.answer(properties, asked), [readings, asked]);
  useMemo(
    () => readings.answer(states.data?.twin?.properties.nodes ?? [], states.asked),
    [readings, states.data, states.asked],
  );
  const drawn = chart.charted.flatMap((id) => properties.find((each) => each.id === id) ?? []);
  const drawable = properties.some((each) => each.kind !== "TEXT");

  return (
    <ReadingsOfScreen value={readings}>
      {drawable && (
        <Suspense fallback={<div className="panel chart is-waiting" />}>
          <HistoryChart
            properties={drawn}
            span={chart.span}
            setSpan={chart.setSpan}
            answered={chart.answered}
            remove={chart.toggle}
          />
        </Suspense>
      )}
      {properties.length === 0 ? (
        <p className="muted">{words.twin.noProperties}</p>
      ) : (
        <Panel title={words.twin.properties}>
          {/* While the server cannot be reached the page says so once, at its top. */}
          {states.failure && states.failure.kind !== "unreachable" && <FailureNotice failure={states.failure} />}
          <div className="scroll-x">
            <PropertiesTable
              properties={properties}
              charted={chart.charted}
              toggle={chart.toggle}
              histories={sparklines}
              refresh={states.again}
            />
          </div>
          {failure && <FailureNotice failure={failure} />}
          {(more || properties.length > 20) && (
            <More shown={properties.length} total={total} more={more} loading={busy} />
          )}
        </Panel>
      )}
      <div className="columns">
        <div className="stack">
          {twin.hasContents && <ContentsPanel key={twin.id} id={twin.id} />}
          <RelationshipsPanel relationships={twin.relationships} />
          <RevisionsPanel twin={twin.id} />
        </div>
        <div className="stack">
          {twin.capabilities && <CapabilitiesPanel capabilities={twin.capabilities} />}
          {twin.violations && <ViolationsPanel twin={twin.id} violations={twin.violations} again={again} />}
        </div>
      </div>
    </ReadingsOfScreen>
  );
}

export function Breadcrumbs({ twin }: { twin: Twin }) {
  const words = useWords();
  const path = twin.path[0]?.name === twin.site.name ? twin.path.slice(1) : twin.path;
  const first = twin.path[0]?.name === twin.site.name ? paths.twin(twin.path[0].id) : paths.twins;
  return (
    <nav className="breadcrumbs" aria-label={words.screens.place}>
      <ol>
        <li>
          <Link href={first}>{twin.site.name}</Link>
        </li>
        {path.map((place) => (
          <li key={place.id}>
            <Link href={paths.twin(place.id)}>{place.name}</Link>
          </li>
        ))}
        {twin.name !== twin.site.name && (
          <li aria-current="page">
            <span>{twin.name}</span>
          </li>
        )}
      </ol>
    </nav>
  );
}
