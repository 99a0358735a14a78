// Beside a twin's values: what it contains, what it is linked to, what it can tell.

import { useState } from "react";
import { CONTENTS } from "../../documents";
import { classLabels, decimals, number } from "../../format";
import { usePages } from "../../paging";
import { FamilyIcon } from "../../parts/icons";
import { Empty, FailureNotice, More, Panel, Skeleton } from "../../parts/notices";
import { StateMark } from "../../parts/state-mark";
import { usePast } from "../../past";
import { Link, paths } from "../../routing";
import type { Relationship, TwinCapability } from "../../schema";
import { useWords } from "../../words";

const pageSize = 24;

export function ContentsPanel({ id }: { id: string }) {
  const words = useWords();
  const { items, total, more, busy, loading, failure, again } = usePages(
    CONTENTS,
    { id, first: pageSize, asOf: usePast()?.asOf ?? null },
    (answer) => answer.twin?.contents,
  );
  return (
    <Panel title={words.twin.contents}>
      {failure && <FailureNotice failure={failure} retry={again} />}
      {loading && <Skeleton />}
      <ul className="links">
        {items.map((twin) => (
          <li key={twin.id}>
            <Link href={paths.twin(twin.id)}>
              <FamilyIcon family={twin.family} />
              {twin.name}
            </Link>
            <span className="muted">{classLabels(twin.classes)}</span>
          </li>
        ))}
      </ul>
      {more && <More shown={items.length} total={total} more={more} loading={busy} />}
    </Panel>
  );
}

const most = 12;

export function RelationshipsPanel({ relationships }: { relationships: Relationship[] }) {
  const words = useWords();
  const [all, showAll] = useState(false);
  const shown = all ? relationships : relationships.slice(0, most);
  return (
    <Panel title={words.twin.relationships}>
      {relationships.length === 0 && <Empty>{words.twin.noRelationships}</Empty>}
      <ul className="links" hidden={relationships.length === 0}>
        {shown.map((each) => (
          <li key={`${each.iri} ${each.direction} ${each.twin.id}`}>
            <span className="relation" title={each.iri}>
              {each.direction === "OUT" ? `${each.name} →` : `← ${each.name}`}
            </span>
            <Link href={paths.twin(each.twin.id)}>{each.twin.name}</Link>
            <span className="muted">{classLabels(each.twin.classes)}</span>
          </li>
        ))}
      </ul>
      {shown.length < relationships.length && (
        <More shown={shown.length} total={relationships.length} more={() => showAll(true)} />
      )}
    </Panel>
  );
}

export function CapabilitiesPanel({ capabilities }: { capabilities: TwinCapability[] }) {
  const words = useWords();
  return (
    <Panel title={words.twin.capabilities}>
      {capabilities.length === 0 && <Empty>{words.twin.noCapabilities}</Empty>}
      <ul className="statements" hidden={capabilities.length === 0}>
        {capabilities.map(({ capability, qualifies, missing, score }) => (
          <li key={capability.id}>
            <div className="statement-head">
              <strong>{capability.name}</strong>
              <StateMark
                state={qualifies ? "good" : "none"}
                word={qualifies ? words.twin.qualifies : words.twin.missing}
              />
              {score && (
                <span className="score">
                  <Score value={score.available ? score.value : null} />
                </span>
              )}
            </div>
            {capability.description && <p className="muted">{capability.description}</p>}
            {missing.length > 0 && (
              <ul className="missing">
                {missing.map((input) => (
                  <li key={input}>{input}</li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** A score between 0 and 1: its digits, and a bar of the same width everywhere. */
export function Score({ value }: { value: unknown }) {
  const words = useWords();
  const known = typeof value === "number";
  const share = known ? Math.min(1, Math.max(0, value)) : 0;
  return (
    <>
      <svg className="score-bar" width="64" height="6" aria-hidden="true">
        <rect width="64" height="6" rx="3" className="track" />
        {known && <rect width={Math.max(3, 64 * share)} height="6" rx="3" className="fill" />}
      </svg>
      <span className="value">{known ? number(value, words, decimals("", value)) : "–"}</span>
    </>
  );
}
