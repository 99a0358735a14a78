// The reader's own choices, kept by the browser; a browser that keeps nothing forgets them with the page.

export function chosen(name: string): string | null {
  try {
    return localStorage.getItem(`twin.${name}`);
  } catch {
    return null;
  }
}

export function choose(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`twin.${name}`);
    else localStorage.setItem(`twin.${name}`, value);
  } catch {
    // Storage is refused: the choice holds for this page.
  }
}
