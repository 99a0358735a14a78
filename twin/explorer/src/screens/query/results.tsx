// What a query was answered with: rows by the page, yes or no, a graph or JSON.

import { useState } from "react";
import { Icon } from "../../parts/icons";
import { Empty } from "../../parts/notices";
import { Link, paths } from "../../routing";
import { useWords } from "../../words";
import { Editor } from "./editor";
import { prefixed } from "./languages";
import { csv, type Binding, type Result, type Term } from "./running";

const pageSize = 100;

export function Results({ result }: { result: Result }) {
  const words = useWords();
  if (result.kind === "answer") return <p className="yes-no">{result.yes ? words.query.yes : words.query.no}</p>;
  if (result.kind === "text")
    return <Editor label={words.query.results} language={result.language} text={result.text} />;
  if (result.rows.length === 0) return <Empty>{words.query.noRows}</Empty>;
  return <Rows columns={result.columns} rows={result.rows} />;
}

const numeric = /#(?:integer|decimal|double|float|int|long)$/;

function Rows({ columns, rows }: { columns: string[]; rows: Binding[] }) {
  const words = useWords();
  const [asked, setPage] = useState(0);
  const pages = Math.ceil(rows.length / pageSize);
  const page = Math.min(asked, pages - 1);
  const from = page * pageSize;
  const shown = rows.slice(from, from + pageSize);
  const isNumber = (column: string) => numeric.test(shown.find((row) => row[column])?.[column]?.datatype ?? "");
  const numbers = new Set(columns.filter(isNumber));
  return (
    <>
      <div className="rows-box scroll-x" tabIndex={0} role="group" aria-label={words.query.results}>
        <table className="table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} className={numbers.has(column) ? "is-number" : ""}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, index) => (
              <tr key={from + index}>
                {columns.map((column) => (
                  <td key={column} className={numbers.has(column) ? "is-number" : ""}>
                    <Cell term={row[column]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <nav className="pager" aria-label={words.query.results}>
          <button type="button" className="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            {words.query.previous}
          </button>
          <span className="tabular">{words.query.page(from + 1, from + shown.length, rows.length)}</span>
          <button type="button" className="button" disabled={page === pages - 1} onClick={() => setPage(page + 1)}>
            {words.query.next}
          </button>
        </nav>
      )}
    </>
  );
}

function Cell({ term }: { term: Term | undefined }) {
  if (!term) return null;
  if (term.type === "uri") {
    const short = prefixed(term.value);
    // A term of a vocabulary is a word; any other IRI may be a twin or a property.
    return short ? <span title={term.value}>{short}</span> : <Link href={paths.twin(term.value)}>{term.value}</Link>;
  }
  if (term.type === "bnode") return <span className="muted">_:{term.value}</span>;
  const language = term["xml:lang"];
  return (
    <span title={term.datatype}>
      {term.value}
      {language && <small className="muted"> {language}</small>}
    </span>
  );
}

export function DownloadCsv({ result }: { result: Result }) {
  const words = useWords();
  if (result.kind !== "rows") return null;
  const save = () => {
    const address = URL.createObjectURL(new Blob([csv(result.columns, result.rows)], { type: "text/csv" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = "query.csv";
    link.click();
    URL.revokeObjectURL(address);
  };
  return (
    <button type="button" className="button" onClick={save}>
      <Icon name="download" size={16} />
      {words.query.csv}
    </button>
  );
}
