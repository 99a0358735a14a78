// The payloads that ONE connection could not decode, whole, and decoding them again: first as a report, then for good.

import { useState } from "react";
import { REJECTED, REPROCESS } from "../documents";
import { ask, Failure, useQuery } from "../fetching";
import { clock } from "../format";
import { Empty, FailureNotice, Panel } from "../parts/notices";
import type { Reprocessed } from "../schema";
import { nodeName } from "../statements";
import { useWords } from "../words";

export function RejectedPayloads({ connection }: { connection: string }) {
  const words = useWords();
  const { data, failure, again } = useQuery(REJECTED, { id: connection }, { every: 5 });
  const kept = data?.connection?.rejectedPayloads;
  const [open, setOpen] = useState(false);
  return (
    <Panel
      title={words.rejected.title}
      aside={
        <button type="button" className="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {words.rejected.again}
        </button>
      }
    >
      {open && <DecodeAgain connection={connection} done={again} />}
      {failure && <FailureNotice failure={failure} retry={again} />}
      {kept && kept.items.length === 0 && <Empty>{words.rejected.none}</Empty>}
      {kept && kept.items.length > 0 && (
        <>
          <p className="panel-note muted">
            {words.rejected.shown(kept.items.length, kept.total, Math.ceil(kept.bytes / 1024))}
          </p>
          <div className="scroll-x">
            <table className="table">
              <thead>
                <tr>
                  <th>{words.columns.received}</th>
                  <th>{words.columns.address}</th>
                  <th>{words.columns.reason}</th>
                  <th>{words.rejected.payload}</th>
                </tr>
              </thead>
              <tbody>
                {kept.items.map((each) => (
                  <tr key={each.id}>
                    <td>{clock(each.receivedTime, words, { seconds: true })}</td>
                    <td>
                      <code>{each.address}</code>
                    </td>
                    <td>{each.reason}</td>
                    <td className="sample">
                      <code title={each.text ?? each.base64}>{each.text ?? words.rejected.binary(each.bytes)}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Panel>
  );
}

function DecodeAgain({ connection, done }: { connection: string; done: () => void }) {
  const words = useWords();
  const [hours, setHours] = useState(24);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [report, setReport] = useState<Reprocessed | null>(null);
  const run = async (dryRun: boolean) => {
    setBusy(true);
    setFailure(null);
    try {
      const from = new Date(Date.now() - hours * 3_600_000).toISOString();
      setReport((await ask(REPROCESS, { connection, from, dryRun })).reprocess);
      if (!dryRun) done();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  const differs = report !== null && report.new + report.changed > 0;
  return (
    <div className="again">
      <p className="muted">{words.rejected.explain}</p>
      <div className="again-line">
        <label>
          {words.rejected.period}{" "}
          <select
            value={hours}
            onChange={(event) => {
              setHours(Number(event.target.value));
              setReport(null);
            }}
          >
            {[1, 24, 72].map((each) => (
              <option key={each} value={each}>
                {words.rejected.hours(each)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" className="button" disabled={busy} onClick={() => void run(true)}>
          {words.rejected.tryIt}
        </button>
        {report?.dryRun && differs && (
          <button type="button" className="button is-main" disabled={busy} onClick={() => void run(false)}>
            {words.rejected.write(report.new + report.changed)}
          </button>
        )}
      </div>
      {failure && <FailureNotice failure={failure} retry={() => void run(true)} />}
      {report && <Report report={report} />}
    </div>
  );
}

function Report({ report }: { report: Reprocessed }) {
  const words = useWords();
  const count = (value: number) => value.toLocaleString(words.tag);
  return (
    <div role="status">
      <p>
        <strong>{report.dryRun ? words.rejected.would : words.rejected.did(report.replaced)}</strong>{" "}
        {words.rejected.summary(report.payloads, report.same, report.changed, report.new, report.rejected)}
      </p>
      {report.byProperty.length > 0 && (
        <table className="table">
          <thead>
            <tr>
              <th>{words.columns.property}</th>
              <th className="is-number">{words.rejected.same}</th>
              <th className="is-number">{words.rejected.changed}</th>
              <th className="is-number">{words.rejected.new}</th>
              <th className="is-number">{words.rejected.largest}</th>
            </tr>
          </thead>
          <tbody>
            {report.byProperty.map((each) => (
              <tr key={each.property}>
                <td title={each.property}>{nodeName(each.property)}</td>
                <td className="is-number">{count(each.same)}</td>
                <td className="is-number">{count(each.changed)}</td>
                <td className="is-number">{count(each.new)}</td>
                <td className="is-number">{each.changed ? each.largestDifference.toPrecision(4) : ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {report.differences.length > 0 && (
        <ul className="differences">
          {report.differences.slice(0, 5).map((each) => (
            <li key={`${each.property} ${each.time}`} className="tabular">
              {clock(each.time, words, { seconds: true })} {nodeName(each.property)}:{" "}
              {each.before === null ? words.rejected.nothing : String(each.before)} → {String(each.after)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
