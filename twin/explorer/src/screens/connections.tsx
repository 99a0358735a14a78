// Every connection, and beside the list ONE connection with its own counts, log and rejected samples.

import { useEffect, useRef, useState } from "react";
import { CONNECTION, CONNECTIONS } from "../documents";
import { useQuery } from "../fetching";
import { clock } from "../format";
import { Empty, FailureNotice, Panel, Skeleton } from "../parts/notices";
import { connectionState, StateMark, StateShape } from "../parts/state-mark";
import { Link, paths, useTitle } from "../routing";
import { RejectedPayloads } from "./rejected";
import type { Connection, ConnectionBrief } from "../schema";
import { useWords, type Words } from "../words";

const word = (state: string, words: Words): string => words.connections[state.toLowerCase() as "connected"] ?? state;

export function Connections({ id }: { id: string | null }) {
  const words = useWords();
  useTitle(words.connections.title);
  const { data, failure, loading, again } = useQuery(CONNECTIONS, {}, { every: 3 });
  const connections = data?.connections ?? [];
  return (
    <div className="content">
      <header className="screen-head">
        <h1>{words.connections.title}</h1>
      </header>
      {failure && <FailureNotice failure={failure} retry={again} />}
      {loading && <Skeleton rows={4} />}
      {data && connections.length === 0 && <Empty title={words.connections.none}>{words.connections.noneRemedy}</Empty>}
      {connections.length > 0 && (
        <div className="beside">
          <ul className="panel cards">
            {connections.map((each) => (
              <li key={each.id}>
                <Link
                  href={paths.connection(each.id)}
                  aria-current={each.id === id ? "true" : undefined}
                  className={each.id === id ? "card is-selected" : "card"}
                >
                  <span className="card-line">
                    <strong>{each.name}</strong>
                    <StateMark state={connectionState(each.state)} word={word(each.state, words)} />
                  </span>
                  <span className="card-line muted">
                    <code>{each.endpoint}</code>
                    <span className="tabular">
                      {each.live.toLocaleString(words.tag)} / {each.bindings.toLocaleString(words.tag)}{" "}
                      {words.overview.live}
                    </span>
                  </span>
                </Link>
              </li>
            ))}
          </ul>
          {id === null ? (
            <div className="panel">
              <Empty>{words.connections.choose}</Empty>
            </div>
          ) : (
            <ConnectionDetail key={id} id={id} />
          )}
        </div>
      )}
    </div>
  );
}

function ConnectionDetail({ id }: { id: string }) {
  const words = useWords();
  const { data, asked, failure, loading, again } = useQuery(CONNECTION, { id }, { every: 2 });
  const connection = data?.connection;
  if (loading) return <Skeleton rows={8} />;
  if (!connection)
    return failure ? (
      <FailureNotice failure={failure} retry={again} />
    ) : (
      <Empty title={words.connections.notFound}>{words.connections.notFoundRemedy}</Empty>
    );
  return (
    <div className="stack">
      {failure && <FailureNotice failure={failure} retry={again} />}
      <Panel
        title={connection.name}
        aside={
          <StateMark
            state={connectionState(connection.state)}
            word={`${word(connection.state, words)} ${words.connections.since(clock(connection.since, words))}`}
          />
        }
      >
        {connection.error && (
          <p className="connection-error" role="alert">
            <StateShape state="alarm" /> {connection.error}
          </p>
        )}
        <Counts connection={connection} asked={asked} />
      </Panel>
      <Rejections connection={connection} />
      <RejectedPayloads connection={connection.id} />
      <Log connection={connection} />
    </div>
  );
}

/** Samples a second, between two answers of the server. */
function useRate(received: number, asked: number): number | null {
  const before = useRef({ received, asked });
  const [rate, setRate] = useState<number | null>(null);
  useEffect(() => {
    const seconds = (asked - before.current.asked) / 1000;
    if (seconds < 0.5) return;
    setRate(Math.max(0, (received - before.current.received) / seconds));
    before.current = { received, asked };
  }, [received, asked]);
  return rate;
}

function Counts({ connection, asked }: { connection: ConnectionBrief; asked: number }) {
  const words = useWords();
  const rate = useRate(connection.received, asked);
  const last = connection.lastReceived;
  const count = (value: number) => value.toLocaleString(words.tag);
  return (
    <dl className="counts">
      <div>
        <dt>{words.connections.received}</dt>
        <dd>{count(connection.received)}</dd>
        <dd className="muted">
          {rate === null
            ? " "
            : words.connections.rate(
                rate.toLocaleString(words.tag, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
              )}
        </dd>
      </div>
      <div>
        <dt>{words.connections.decoded}</dt>
        <dd>{count(connection.decoded)}</dd>
      </div>
      <div>
        <dt>{words.connections.rejected}</dt>
        <dd className={connection.rejected ? "is-alarm" : ""}>{count(connection.rejected)}</dd>
      </div>
      <div>
        <dt>{words.connections.live}</dt>
        <dd>
          {count(connection.live)} / {count(connection.bindings)}
        </dd>
      </div>
      <div>
        <dt>{words.connections.lastReceived}</dt>
        <dd>{last ? clock(last, words, { seconds: true }) : words.age.never}</dd>
      </div>
      <div className="is-wide">
        <dt>{words.columns.address}</dt>
        <dd>
          <code>{connection.endpoint}</code>
        </dd>
        <dd className="muted">{connection.protocol}</dd>
      </div>
    </dl>
  );
}

function Log({ connection }: { connection: Connection }) {
  const words = useWords();
  return (
    <Panel title={words.connections.log}>
      {connection.log.length === 0 && <Empty>{words.connections.noLog}</Empty>}
      <ol className="log">
        {connection.log.map((event, index) => (
          <li key={`${event.time} ${index}`}>
            <time dateTime={event.time}>{clock(event.time, words, { seconds: true })}</time>
            <span className={`level is-${event.level}`}>{event.level}</span>
            <span>{event.message}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function Rejections({ connection }: { connection: Connection }) {
  const words = useWords();
  return (
    <Panel title={words.connections.rejections}>
      {connection.rejections.length === 0 ? (
        <Empty>{words.connections.noRejections}</Empty>
      ) : (
        <div className="scroll-x">
          <table className="table">
            <thead>
              <tr>
                <th>{words.columns.time}</th>
                <th className="is-number">{words.columns.count}</th>
                <th>{words.columns.address}</th>
                <th>{words.columns.reason}</th>
                <th>{words.columns.sample}</th>
              </tr>
            </thead>
            <tbody>
              {connection.rejections.map((each) => (
                <tr key={`${each.address} ${each.reason}`}>
                  <td>{clock(each.time, words, { seconds: true })}</td>
                  <td className="is-number">{each.count.toLocaleString(words.tag)}</td>
                  <td>
                    <code>{each.address}</code>
                  </td>
                  <td>{each.reason}</td>
                  <td className="sample">
                    <code title={each.sample}>{each.sample}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
