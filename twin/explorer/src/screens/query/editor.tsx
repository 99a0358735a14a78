// A CodeMirror editor in the page's own colours. Tab leaves it: the keyboard is never caught.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { highlighting, languages } from "./languages";

const colours = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px" },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none" },
  ".cm-activeLine": { backgroundColor: "var(--hover)" },
  ".cm-selectionMatch": { backgroundColor: "var(--flash)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--selection)", outline: "1px solid var(--accent)" },
  ".cm-panels, .cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", borderColor: "var(--line)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--selection)",
    color: "var(--text)",
  },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal", marginLeft: "12px" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--hover)", border: "1px solid var(--line)", color: "var(--muted)" },
});

interface Props {
  label: string;
  language: keyof typeof languages;
  text: string;
  change?: (text: string) => void;
  run?: () => void;
}

/** Without `change` the text can be read, searched and folded, not edited. */
export function Editor({ label, language, text, change, run }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const calls = useRef({ change, run });
  calls.current = { change, run };
  const readOnly = change === undefined;

  useEffect(() => {
    const runKey = { key: "Mod-Enter", run: () => (calls.current.run?.(), true) };
    const made = new EditorView({
      parent: box.current!,
      state: EditorState.create({
        doc: text,
        extensions: [
          Prec.highest(keymap.of([runKey])),
          keymap.of([
            ...closeBracketsKeymap,
            ...defaultKeymap,
            ...searchKeymap,
            ...historyKeymap,
            ...foldKeymap,
            ...completionKeymap,
          ]),
          languages[language],
          syntaxHighlighting(highlighting),
          lineNumbers(),
          drawSelection(),
          highlightSelectionMatches(),
          bracketMatching(),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label }),
          colours,
          readOnly
            ? [EditorState.readOnly.of(true), foldGutter()]
            : [history(), closeBrackets(), autocompletion({ icons: false }), indentOnInput(), highlightActiveLine()],
          EditorView.updateListener.of((update) => {
            if (update.docChanged) calls.current.change?.(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
    // The text that it begins with; later ones are put in below.
  }, [language, label, readOnly]);

  useEffect(() => {
    const state = view.current?.state;
    if (state && state.doc.toString() !== text)
      view.current?.dispatch({ changes: { from: 0, to: state.doc.length, insert: text } });
  }, [text]);

  return <div className="editor" ref={box} />;
}
