// One alert: what is wrong and where, what a person does about it, what follows from it, and its life so far.

import { useState, type FormEvent } from "react";
import { ACKNOWLEDGE_ALERT, ALERT, ALERT_CONSEQUENCES, ASSIGN_ALERT, CLEAR_ALERT, SHELVE_ALERT, type Document } from "../../documents";
import { ask, Failure, useQuery } from "../../fetching";
import { clock, shortName } from "../../format";
import { usePages } from "../../paging";
import { Empty, FailureNotice, Panel, Skeleton } from "../../parts/notices";
import { Paged } from "../../parts/paged";
import { alertState, StateMark } from "../../parts/state-mark";
import { Link, paths } from "../../routing";
import type { Alert } from "../../schema";
import { useWords } from "../../words";

const hours = [1, 8, 24, 168] as const;

export function AlertPage({ id, changed }: { id: string; changed: () => void }) {
  const words = useWords();
  const { data, failure, loading, again } = useQuery(ALERT, { id }, { every: 3 });
  const alert = data?.alert;
  if (loading) return <Skeleton rows={8} />;
  if (!alert)
    return failure ? (
      <FailureNotice failure={failure} retry={again} />
    ) : (
      <Empty title={words.alerts.notFound}>{words.alerts.notFoundRemedy}</Empty>
    );
  const done = () => {
    again();
    changed();
  };
  return (
    <div className="stack">
      {failure && <FailureNotice failure={failure} retry={again} />}
      <Panel
        title={alert.message}
        id={`alert-${alert.id}`}
        aside={<StateMark state={alertState(alert.severity)} word={words.alerts.severities[alert.severity]} />}
      >
        <Facts alert={alert} />
        <Actions alert={alert} done={done} />
      </Panel>
      {alert.consequences.totalCount > 0 && <Consequences alert={alert} />}
      <Panel title={words.alerts.life}>
        <ol className="log">
          {alert.transitions.map((step, index) => (
            <li key={index}>
              <time dateTime={step.time}>{clock(step.time, words, { seconds: true })}</time>
              <span className="level">{step.actor}</span>
              <span>
                {words.alerts.actions[step.action] ?? step.action}
                {step.note && step.note !== alert.message && <span className="muted"> · {step.note}</span>}
              </span>
            </li>
          ))}
        </ol>
      </Panel>
    </div>
  );
}

function Facts({ alert }: { alert: Alert }) {
  const words = useWords();
  return (
    <dl className="counts">
      <div>
        <dt>{words.columns.state}</dt>
        <dd>{words.alerts.states[alert.state]}</dd>
        {alert.acknowledgedBy && <dd className="muted">{words.alerts.by(alert.acknowledgedBy)}</dd>}
        {alert.shelvedUntil && <dd className="muted">{words.alerts.until(clock(alert.shelvedUntil, words))}</dd>}
      </div>
      <div>
        <dt>{words.alerts.kind}</dt>
        <dd>{words.alerts.kinds[alert.kind]}</dd>
        {alert.times > 1 && <dd className="muted">{words.alerts.times(alert.times)}</dd>}
      </div>
      <div>
        <dt>{words.alerts.since}</dt>
        <dd>{clock(alert.since, words)}</dd>
        {alert.clearedAt && <dd className="muted">{words.alerts.clearedAt(clock(alert.clearedAt, words))}</dd>}
      </div>
      <div>
        <dt>{words.alerts.assigned}</dt>
        <dd>{alert.assigned ?? words.alerts.nobody}</dd>
      </div>
      <div className="is-wide">
        <dt>{words.alerts.about}</dt>
        <dd>
          <About alert={alert} />
        </dd>
        {alert.cause && (
          <dd className="muted">
            {words.alerts.follows} <Link href={paths.alert(alert.cause.id)}>{alert.cause.message}</Link>
          </dd>
        )}
      </div>
    </dl>
  );
}

function About({ alert }: { alert: Alert }) {
  if (alert.property && alert.twin)
    return (
      <Link href={paths.property(alert.twin.id, alert.property.id)}>
        {alert.twin.name} · {alert.property.name}
      </Link>
    );
  if (alert.twin) return <Link href={paths.twin(alert.twin.id)}>{alert.twin.name}</Link>;
  if (alert.kind === "CONNECTION" && alert.about)
    return <Link href={paths.connection(alert.about)}>{shortName(alert.about)}</Link>;
  if (alert.kind === "VIOLATION") return <Link href={paths.violationsOf(alert.about)}>{shortName(alert.about)}</Link>;
  return <code>{alert.about}</code>;
}

function Actions({ alert, done }: { alert: Alert; done: () => void }) {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [name, setName] = useState("");
  const send = async <Variables extends object>(document: Document<unknown, Variables>, variables: Variables) => {
    setBusy(true);
    setFailure(null);
    try {
      await ask(document, variables);
      done();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    }
    setBusy(false);
  };
  const shelve = (until: number) => send(SHELVE_ALERT, { id: alert.id, until: new Date(until).toISOString() });
  const assign = (event: FormEvent) => {
    event.preventDefault();
    void send(ASSIGN_ALERT, { id: alert.id, to: name.trim() });
  };
  const over = alert.state === "CLEARED";
  return (
    <>
      {failure && <FailureNotice failure={failure} title={words.alerts.refused} />}
      <div className="alert-actions">
        {!alert.acknowledgedBy && (
          <button
            type="button"
            className="button is-primary"
            disabled={busy}
            onClick={() => void send(ACKNOWLEDGE_ALERT, { id: alert.id })}
          >
            {words.alerts.acknowledge}
          </button>
        )}
        {!over && (
          <>
            {alert.state === "SHELVED" ? (
              <button type="button" className="button" disabled={busy} onClick={() => void shelve(0)}>
                {words.alerts.unshelve}
              </button>
            ) : (
              <select
                aria-label={words.alerts.shelve}
                value=""
                disabled={busy}
                onChange={(event) => void shelve(Date.now() + Number(event.target.value) * 3_600_000)}
              >
                <option value="">{words.alerts.shelve}</option>
                {hours.map((each) => (
                  <option key={each} value={each}>
                    {words.alerts.forHours(each)}
                  </option>
                ))}
              </select>
            )}
            <form onSubmit={assign}>
              <input
                type="text"
                aria-label={words.alerts.assignTo}
                placeholder={words.alerts.assignTo}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
              <button type="submit" className="button" disabled={busy}>
                {words.alerts.assign}
              </button>
            </form>
            <button
              type="button"
              className="button is-quiet"
              disabled={busy}
              onClick={() => void send(CLEAR_ALERT, { id: alert.id })}
            >
              {words.alerts.clear}
            </button>
          </>
        )}
      </div>
    </>
  );
}

function Consequences({ alert }: { alert: Alert }) {
  const words = useWords();
  const listed = usePages(ALERT_CONSEQUENCES, { id: alert.id, first: 50 }, (found) => found.alert?.consequences);
  return (
    <Panel title={words.alerts.consequences(alert.consequences.totalCount)} id="consequences">
      <Paged listed={listed} empty={null} always>
        {(items) => (
          <ul className="links">
            {items.map((each) => (
              <li key={each.about}>
                {each.property?.owner ? (
                  <Link href={paths.property(each.property.owner.id, each.about)}>
                    {each.property.owner.name} · {each.property.name}
                  </Link>
                ) : (
                  <Link href={paths.twin(each.about)}>{shortName(each.about)}</Link>
                )}
                <span className="muted">
                  {each.property && !each.property.available && each.property.unavailableSince
                    ? words.states.since(clock(each.property.unavailableSince, words))
                    : ""}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Paged>
    </Panel>
  );
}
