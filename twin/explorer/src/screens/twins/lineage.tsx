// Where the newest value of a property came from: origin, payload, codec and its versions, checks, corrections.

import { LINEAGE } from "../../documents";
import { useQuery } from "../../fetching";
import { clock } from "../../format";
import { Empty, FailureNotice, Skeleton } from "../../parts/notices";
import { Link, paths } from "../../routing";
import type { ValueLineage } from "../../schema";
import { nodeName } from "../../statements";
import { useWords } from "../../words";

export function LineageOf({ property }: { property: string }) {
  const words = useWords();
  const { data, failure, loading, again } = useQuery(LINEAGE, { id: property }, { every: 5 });
  if (loading) return <Skeleton rows={3} />;
  if (failure && !data) return <FailureNotice failure={failure} retry={again} />;
  const lineage = data?.property?.lineage;
  if (!lineage) return <Empty>{words.lineage.none}</Empty>;
  return (
    <section aria-label={words.lineage.title}>
      <dl className="lineage">
        <div>
          <dt>{words.lineage.measured}</dt>
          <dd className="tabular">{clock(lineage.time, words, { seconds: true })}</dd>
        </div>
        <div>
          <dt>{words.columns.received}</dt>
          <dd className="tabular">{clock(lineage.receivedTime, words, { seconds: true })}</dd>
        </div>
        <Origin lineage={lineage} />
        <div>
          <dt>{words.lineage.checks}</dt>
          <dd>
            {lineage.checks.length === 0 && words.lineage.noChecks}
            {lineage.checks.map((each) => `${each.name} ${each.value}`).join(", ")}
          </dd>
        </div>
        <div>
          <dt>{words.lineage.corrections}</dt>
          <dd>
            {!lineage.corrected && words.lineage.notCorrected}
            {lineage.corrected &&
              lineage.versions.map((each) => `${String(each.value)} (${each.origin?.kind ?? "?"})`).join(" → ")}
          </dd>
        </div>
      </dl>
      <Payload lineage={lineage} />
    </section>
  );
}

function Origin({ lineage }: { lineage: ValueLineage }) {
  const words = useWords();
  const origin = lineage.origin;
  if (!origin)
    return (
      <div>
        <dt>{words.lineage.origin}</dt>
        <dd>{words.lineage.unknown}</dd>
      </div>
    );
  return (
    <>
      <div>
        <dt>{words.lineage.origin}</dt>
        <dd title={origin.subject}>
          {words.lineage.kinds[origin.kind] ?? origin.kind}
          {origin.connection && (
            <>
              {" · "}
              <Link href={paths.connection(origin.connection.id)}>{origin.connection.name}</Link>
            </>
          )}
          {!origin.connection && ` · ${nodeName(origin.subject)}`}
        </dd>
      </div>
      {origin.address && (
        <div>
          <dt>{words.columns.address}</dt>
          <dd>
            <code>{origin.address}</code>
          </dd>
        </div>
      )}
      {origin.codec && (
        <div className="is-wide">
          <dt>
            {words.lineage.codec}
            {origin.revision && ` · ${words.lineage.since(origin.revision)}`}
            {lineage.schemaVersions.length > 1 && ` · ${words.lineage.version(lineage.schemaVersions.length)}`}
          </dt>
          <dd>
            <code>{origin.codec}</code>
          </dd>
        </div>
      )}
    </>
  );
}

function Payload({ lineage }: { lineage: ValueLineage }) {
  const words = useWords();
  if (lineage.payloads.length === 0)
    return lineage.origin?.address ? <p className="muted">{words.lineage.noPayload}</p> : null;
  return (
    <>
      {lineage.payloads.slice(0, 3).map((each) => (
        <figure key={each.sha256} className="payload">
          <figcaption className="muted">
            {words.lineage.payload(each.bytes)} <code title={each.sha256}>SHA-256 {each.sha256.slice(0, 16)}…</code>
          </figcaption>
          <pre>{each.text ?? each.base64}</pre>
        </figure>
      ))}
    </>
  );
}
