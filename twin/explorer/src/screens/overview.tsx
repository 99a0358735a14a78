// The first page: how much of the building is live, what is not, and where to look first.

import type { ReactNode } from "react";
import { CAPABILITIES, CHANGES, CONNECTIONS, SITES, SUMMARY } from "../documents";
import { useQuery, type Failure } from "../fetching";
import { clock, shortRevision } from "../format";
import { Empty, FailureNotice, Panel, Skeleton } from "../parts/notices";
import { connectionState, StateMark, StateShape, type State } from "../parts/state-mark";
import { Link, paths, useTitle } from "../routing";
import { useWords } from "../words";
import { Score } from "./twins/twin-panels";

export function Overview() {
  const words = useWords();
  useTitle(words.screens.overview);
  const { data, failure, loading, again } = useQuery(SUMMARY, {}, { every: 3 });
  const summary = data?.summary;
  return (
    <div className="content overview">
      {failure && <FailureNotice failure={failure} retry={again} />}
      {loading && <Skeleton rows={4} />}
      {summary && (
        <>
          <header className="screen-head">
            <h1>{summary.twins === 0 ? words.overview.empty : summary.name}</h1>
            <p className="muted">
              {summary.twins === 0
                ? words.overview.emptyRemedy
                : words.overview.scale(summary.twins, summary.properties)}
              {" · "}
              {words.overview.revision(shortRevision(summary.revision))}
            </p>
          </header>
          <div className="figures">
            <Figure
              label={words.overview.live}
              explain={words.overview.liveExplain}
              count={summary.live}
              state={summary.live ? "good" : "none"}
            />
            <Figure
              label={words.overview.unavailable}
              explain={words.overview.unavailableExplain}
              count={summary.unavailable}
              state={summary.unavailable ? "unavailable" : "none"}
            />
            <Figure
              label={words.overview.unbound}
              explain={words.overview.unboundExplain}
              count={summary.unbound}
              state="none"
            />
            <Figure
              label={words.overview.violations}
              explain={words.overview.violationsExplain}
              count={summary.violations}
              state={summary.violations ? "alarm" : "none"}
              href={paths.violations}
            />
          </div>
        </>
      )}
      <div className="columns">
        <ConnectionsPanel />
        <ScoresPanel />
        <SitesPanel />
        <ChangesPanel />
      </div>
    </div>
  );
}

function Figure({
  label,
  explain,
  count,
  state,
  href,
}: {
  label: string;
  explain: string;
  count: number;
  state: State;
  href?: string;
}) {
  const words = useWords();
  return (
    <div className={`figure is-${count ? state : "none"}`} role="group" aria-label={label}>
      <span className="figure-count">{count.toLocaleString(words.tag)}</span>
      <span className="figure-label">
        <StateShape state={state} size={14} />
        {href ? <Link href={href}>{label}</Link> : label}
      </span>
      <span className="figure-explain">{explain}</span>
    </div>
  );
}

/** A panel around one question: its skeleton, its failure, or its answer. */
function Asked<Answer>({
  title,
  aside,
  asked,
  children,
}: {
  title: string;
  aside?: ReactNode;
  asked: { data: Answer | null; failure: Failure | null; again: () => void };
  children: (answer: Answer) => ReactNode;
}) {
  return (
    <Panel title={title} aside={aside}>
      {asked.data ? (
        children(asked.data)
      ) : asked.failure ? (
        <FailureNotice failure={asked.failure} retry={asked.again} />
      ) : (
        <Skeleton />
      )}
    </Panel>
  );
}

function ConnectionsPanel() {
  const words = useWords();
  const asked = useQuery(CONNECTIONS, {}, { every: 5 });
  return (
    <Asked title={words.overview.connections} asked={asked}>
      {({ connections }) =>
        connections.length === 0 ? (
          <Empty>{words.overview.noConnections}</Empty>
        ) : (
          <ul className="rows">
            {connections.map((each) => (
              <li key={each.id}>
                <Link href={paths.connection(each.id)}>{each.name}</Link>
                <span className="muted">{each.protocol}</span>
                <StateMark
                  state={connectionState(each.state)}
                  word={words.connections[each.state.toLowerCase() as "connected"] ?? each.state}
                />
              </li>
            ))}
          </ul>
        )
      }
    </Asked>
  );
}

const mostScores = 6;

function ScoresPanel() {
  const words = useWords();
  const asked = useQuery(CAPABILITIES, {}, { every: 5 });
  return (
    <Asked title={words.overview.capabilities} asked={asked}>
      {({ capabilities }) => {
        const all = capabilities.flatMap((capability) => capability.twins.map((each) => ({ ...each, capability })));
        const value = (each: (typeof all)[number]) =>
          each.score?.available && typeof each.score.value === "number" ? each.score.value : -1;
        const scored = all.filter((each) => each.qualifies).sort((a, b) => value(b) - value(a));
        const lacking = all.length - scored.length;
        if (scored.length === 0 && lacking === 0) return <Empty>{words.overview.noCapabilities}</Empty>;
        return (
          <>
            <ul className="rows">
              {scored.slice(0, mostScores).map((each) => (
                <li key={`${each.capability.id} ${each.twin.id}`}>
                  <Link href={each.score ? paths.property(each.twin.id, each.score.id) : paths.twin(each.twin.id)}>
                    {each.twin.name}
                  </Link>
                  <span className="muted">{each.capability.name}</span>
                  <span className="score">
                    <Score value={each.score?.available ? each.score.value : null} />
                  </span>
                </li>
              ))}
            </ul>
            {lacking > 0 && <p className="more">{words.overview.notQualified(lacking)}</p>}
          </>
        );
      }}
    </Asked>
  );
}

function SitesPanel() {
  const words = useWords();
  const asked = useQuery(SITES, {}, { every: 30 });
  return (
    <Asked title={words.overview.sites} asked={asked}>
      {({ sites }) => (
        <table className="table is-plain">
          <thead>
            <tr>
              <th>{words.columns.site}</th>
              <th className="is-number">{words.columns.twins}</th>
              <th className="is-number">{words.columns.properties}</th>
              <th className="is-number">{words.columns.violations}</th>
            </tr>
          </thead>
          <tbody>
            {sites.map((site) => (
              <tr key={site.id}>
                <th scope="row">
                  <Link href={`${paths.twins}?site=${encodeURIComponent(site.id)}`}>{site.name}</Link>
                </th>
                <td className="is-number">{site.twins.toLocaleString(words.tag)}</td>
                <td className="is-number">{site.properties.toLocaleString(words.tag)}</td>
                <td className="is-number">
                  {site.violations ? (
                    <Link href={paths.violationsAt(site.id)}>{site.violations.toLocaleString(words.tag)}</Link>
                  ) : (
                    0
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Asked>
  );
}

function ChangesPanel() {
  const words = useWords();
  const asked = useQuery(CHANGES, { twin: null, last: 8, after: null }, { every: 10 });
  return (
    <Asked
      title={words.overview.changes}
      aside={<Link href={paths.changes}>{words.past.allChanges}</Link>}
      asked={asked}
    >
      {({ changes }) =>
        changes.length === 0 ? (
          <Empty>{words.overview.noChanges}</Empty>
        ) : (
          <ul className="rows changes">
            {changes.toReversed().map((change) => (
              <li key={change.revision}>
                <time dateTime={change.time}>{clock(change.time, words)}</time>
                <Link
                  className="reason"
                  href={paths.change(change.revision)}
                  title={words.overview.revision(shortRevision(change.revision))}
                >
                  {change.reason}
                </Link>
                <span className="muted">{change.actor}</span>
                <span className="size">{words.overview.quads(change.added, change.removed)}</span>
              </li>
            ))}
          </ul>
        )
      }
    </Asked>
  );
}
