// The language of the page: the stored choice, else the browser's, told to the document for screen readers and fonts.

import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { choose, chosen } from "../choices";
import { en, type Words } from "./en";
import { zh } from "./zh";

export type { Words } from "./en";

type Language = "en" | "zh";
const dictionaries: Record<Language, Words> = { en, zh };

function first(): Language {
  const stored = chosen("language");
  if (stored === "en" || stored === "zh") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

interface Choice {
  words: Words;
  other: Words;
  toggle: () => void;
}

const Language = createContext<Choice>({ words: en, other: zh, toggle: () => undefined });

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(first);
  const choice = useMemo<Choice>(() => {
    const other = language === "en" ? "zh" : "en";
    return {
      words: dictionaries[language],
      other: dictionaries[other],
      toggle: () => {
        choose("language", other);
        setLanguage(other);
      },
    };
  }, [language]);
  useEffect(() => {
    document.documentElement.lang = choice.words.tag;
  }, [choice]);
  return <Language value={choice}>{children}</Language>;
}

export const useWords = (): Words => useContext(Language).words;
export const useLanguage = (): Choice => useContext(Language);
