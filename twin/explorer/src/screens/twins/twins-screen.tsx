// Places on the left, a twin or the list of twins on the right. Both scroll for themselves and keep their place.

import { useEffect, useRef } from "react";
import type { Twin } from "../../schema";
import { usePast } from "../../past";
import { TreePanel } from "./tree-panel";
import { TwinList } from "./twin-list";
import { TwinPage } from "./twin-page";

export function TwinsScreen({
  id,
  twin,
  found,
}: {
  id: string | null;
  twin: Twin | null;
  found: (twin: Twin | null) => void;
}) {
  const content = useRef<HTMLDivElement>(null);
  const past = usePast();
  useEffect(() => {
    if (content.current) content.current.scrollTop = 0;
    if (id === null) found(null);
  }, [id]);
  return (
    <div className="twins-screen">
      <aside className="tree-panel">
        <TreePanel twin={twin?.id === id ? twin : null} />
      </aside>
      <div className="content" ref={content}>
        {id === null ? <TwinList /> : <TwinPage key={`${past?.asOf ?? ""} ${id}`} id={id} found={found} />}
      </div>
    </div>
  );
}
