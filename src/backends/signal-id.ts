const DIGITS = 12;

/** The id of the n-th signal of a store: of fixed width, so that ids sort as text in the order of sending. */
export function formatSignalId(n: number): string {
  return String(n).padStart(DIGITS, '0');
}
