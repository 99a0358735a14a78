// The subscription's state in words: shown only while it is lost.

import { useLinkState } from "../live/readings";
import { useWords } from "../words";
import { StateShape } from "./state-mark";

export function LinkNotice() {
  const words = useWords();
  const state = useLinkState();
  return (
    <div role="status" aria-live="polite">
      {state === "lost" && (
        <p className="link-lost">
          <StateShape state="alarm" />
          <strong>{words.link.lost}</strong> {words.link.explain}
        </p>
      )}
    </div>
  );
}
