// Every twin in a table, filtered by text, site and kind; the filters are in the address.

import { useEffect, useState } from "react";
import { SITES, TWINS } from "../../documents";
import { useQuery } from "../../fetching";
import { classLabels, placeText } from "../../format";
import { FamilyIcon } from "../../parts/icons";
import { Empty, FailureNotice, More, Skeleton } from "../../parts/notices";
import { usePages } from "../../paging";
import { Link, navigate, paths, useSearch, useTitle } from "../../routing";
import type { Family } from "../../schema";
import { useWords } from "../../words";

const families: Family[] = ["SPACE", "EQUIPMENT", "OTHER"];
const pageSize = 50;

export function TwinList() {
  const words = useWords();
  useTitle(words.screens.twins);
  const search = useSearch();
  const text = search.get("text");
  const site = search.get("site");
  const family = families.find((each) => each === search.get("kind")) ?? null;
  const { data: known } = useQuery(SITES, {});
  const { items, total, more, busy, loading, failure, again } = usePages(
    TWINS,
    { text, site, family, first: pageSize },
    (answer) => answer.twins,
  );

  const filter = (name: string, value: string) => {
    const next = new URLSearchParams(search);
    if (value) next.set(name, value);
    else next.delete(name);
    navigate(next.size ? `${paths.twins}?${next}` : paths.twins, { replace: true });
  };

  const sites = known?.sites ?? [];
  return (
    <>
      <header className="screen-head">
        <h1>{words.twins.title}</h1>
      </header>
      <div className="filters">
        <TextFilter label={words.twins.filter} text={text ?? ""} apply={(value) => filter("text", value)} />
        <select
          aria-label={words.twins.kind}
          value={family ?? ""}
          onChange={(event) => filter("kind", event.target.value)}
        >
          <option value="">{words.twins.all}</option>
          {families.map((each) => (
            <option key={each} value={each}>
              {words.twins[each]}
            </option>
          ))}
        </select>
        {sites.length > 1 && (
          <select
            aria-label={words.twins.site}
            value={site ?? ""}
            onChange={(event) => filter("site", event.target.value)}
          >
            <option value="">{words.twins.allSites}</option>
            {sites.map((each) => (
              <option key={each.id} value={each.id}>
                {each.name}
              </option>
            ))}
          </select>
        )}
      </div>
      {failure && <FailureNotice failure={failure} retry={again} />}
      {loading && <Skeleton rows={10} />}
      {!loading && !failure && items.length === 0 && (
        <Empty>
          {words.twins.none} <Link href={paths.twins}>{words.twins.clear}</Link>
        </Empty>
      )}
      {items.length > 0 && (
        <div className="panel scroll-x">
          <table className="table">
            <thead>
              <tr>
                <th>{words.columns.name}</th>
                <th>{words.columns.class}</th>
                <th>{words.columns.place}</th>
              </tr>
            </thead>
            <tbody>
              {items.map((twin) => (
                <tr key={twin.id}>
                  <th scope="row">
                    <Link href={paths.twin(twin.id)} className="with-icon">
                      <FamilyIcon family={twin.family} />
                      {twin.name}
                    </Link>
                  </th>
                  <td>{classLabels(twin.classes)}</td>
                  <td className="muted">{placeText(sites.length > 1 ? twin.site.name : null, twin.path)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <More shown={items.length} total={total} more={more} loading={busy} />
        </div>
      )}
    </>
  );
}

/** A text that becomes a filter when typing pauses. */
function TextFilter({ label, text, apply }: { label: string; text: string; apply: (text: string) => void }) {
  const [typed, type] = useState(text);
  useEffect(() => type(text), [text]);
  useEffect(() => {
    if (typed.trim() === text) return;
    const timer = window.setTimeout(() => apply(typed.trim()), 250);
    return () => window.clearTimeout(timer);
  }, [typed]);
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={(event) => type(event.target.value)}
    />
  );
}
