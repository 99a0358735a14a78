// Every twin in a table, filtered by text, site and kind; the filters are in the address.

import { TWINS } from "../../documents";
import { classLabels, placeText } from "../../format";
import { ChoiceFilter, SiteFilter, TextFilter, useFilters, useSites } from "../../parts/filters";
import { FamilyIcon } from "../../parts/icons";
import { Empty } from "../../parts/notices";
import { Paged } from "../../parts/paged";
import { usePages } from "../../paging";
import { usePast } from "../../past";
import { Link, paths, useTitle } from "../../routing";
import type { Family } from "../../schema";
import { useWords } from "../../words";

const families: Family[] = ["SPACE", "EQUIPMENT", "OTHER"];
const pageSize = 50;

export function TwinList() {
  const words = useWords();
  useTitle(words.screens.twins);
  const filters = useFilters(paths.twins);
  const sites = useSites();
  const past = usePast();
  const text = filters.get("text");
  const family = families.find((each) => each === filters.get("kind")) ?? null;
  const listed = usePages(
    TWINS,
    { text, site: filters.get("site"), family, first: pageSize, asOf: past?.asOf ?? null },
    (answer) => answer.twins,
  );
  return (
    <>
      <header className="screen-head">
        <h1>{words.twins.title}</h1>
      </header>
      <div className="filters">
        <TextFilter label={words.twins.filter} text={text ?? ""} apply={(value) => filters.set({ text: value })} />
        <ChoiceFilter
          label={words.twins.kind}
          value={family}
          choices={[["", words.twins.all], ...families.map((each) => [each, words.twins[each]] as const)]}
          apply={(value) => filters.set({ kind: value })}
        />
        <SiteFilter filters={filters} />
      </div>
      <Paged
        listed={listed}
        rows={10}
        always
        empty={
          <Empty>
            {words.twins.none} <Link href={paths.twins}>{words.twins.clear}</Link>
          </Empty>
        }
      >
        {(twins) => (
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
                {twins.map((twin) => (
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
          </div>
        )}
      </Paged>
    </>
  );
}
