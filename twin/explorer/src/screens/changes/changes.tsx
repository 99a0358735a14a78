// The revisions of the graph: all of them, one of them, or what lies between two.

import { ChangeList } from "./change-list";
import { ChangePage } from "./change-page";
import { DifferencePage } from "./difference-page";

/** `id` is a revision, or two with two dots between them. */
export function Changes({ id }: { id: string | null }) {
  if (id === null) return <ChangeList />;
  const [from = "", to] = id.split("..", 2);
  return to === undefined ? <ChangePage key={id} revision={from} /> : <DifferencePage key={id} from={from} to={to} />;
}
