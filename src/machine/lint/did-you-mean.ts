/** Comparisons one run of the linter may spend on suggestions, so that a file full of mistakes stays linear. */
const BUDGET = 200_000;

/** Finds the name that was probably meant. Gives up (null) once its budget of comparisons is spent. */
export type Suggest = (word: string, candidates: Iterable<string>) => string | null;

/** A {@link Suggest} with a fresh budget. */
export function suggester(): Suggest {
  let left = BUDGET;
  return (word, candidates) => {
    let best: string | null = null;
    let bound = Math.max(1, Math.floor(word.length / 3));
    for (const candidate of candidates) {
      if (--left < 0) return best;
      if (candidate === word) continue;
      const found = distance(word.toLowerCase(), candidate.toLowerCase(), bound);
      if (found > bound) continue;
      best = candidate;
      if (found === 0) break;
      bound = found - 1;
    }
    return best;
  };
}

/**
 * Edits (insert, drop, replace, swap of neighbours) that turn `a` into `b`: the restricted Damerau-Levenshtein distance.
 * Anything above `bound` may come out as any number above it.
 */
export function distance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cell = Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cell = Math.min(cell, (before[j - 2] as number) + 1);
      }
      row.push(cell);
      least = Math.min(least, cell);
    }
    if (least > bound) return bound + 1;
    before = previous;
    previous = row;
  }
  return previous[b.length] as number;
}

/** `did you mean "x"?`, or nothing when there is no suggestion. */
export function didYouMean(suggestion: string | null): string | undefined {
  return suggestion === null ? undefined : `did you mean "${suggestion}"?`;
}
