// A mechanical repair: first the exact change it would make, then, when the reader says so, the change itself.

import { useEffect, useState } from "react";
import { REPAIR } from "../../documents";
import { ask, Failure } from "../../fetching";
import { FailureNotice, Skeleton } from "../../parts/notices";
import { StatementList } from "../../parts/statement-list";
import type { Repair, Statement } from "../../schema";
import { statementOf } from "../../statements";
import { useWords } from "../../words";

const noNames = new Map<string, string>();

const statements = (lines: string[]): Statement[] => lines.flatMap((line) => statementOf(line) ?? []);

export function RepairPanel({
  violation,
  done,
  close,
}: {
  violation: string;
  done: (repair: Repair) => void;
  close: () => void;
}) {
  const words = useWords();
  const [planned, plan] = useState<Repair | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [applying, setApplying] = useState(false);

  const send = async (dryRun: boolean, take: (repair: Repair) => void) => {
    setFailure(null);
    try {
      take((await ask(REPAIR, { violation, dryRun })).applyRepair);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    }
  };
  useEffect(() => {
    let shown = true;
    void send(true, (repair) => shown && plan(repair));
    return () => {
      shown = false;
    };
  }, [violation]);
  const apply = async () => {
    setApplying(true);
    await send(false, done);
    setApplying(false);
  };

  return (
    <section
      className="repair"
      aria-label={words.repair.title}
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      {!planned && !failure && <Skeleton rows={2} />}
      {failure && <FailureNotice failure={failure} title={words.repair.refused} />}
      {planned && (
        <>
          <p>
            <strong>{planned.sentence}</strong>
          </p>
          <StatementList
            about={null}
            removed={statements(planned.removed)}
            added={statements(planned.added)}
            names={noNames}
          />
          <p className="muted">{words.repair.resolves(planned.resolved)}</p>
        </>
      )}
      <p className="repair-ways">
        {planned && (
          <button type="button" className="button is-main" autoFocus disabled={applying} onClick={() => void apply()}>
            {applying ? words.repair.applying : words.repair.apply}
          </button>
        )}
        <button type="button" className="button" onClick={close}>
          {words.twin.cancel}
        </button>
      </p>
    </section>
  );
}
