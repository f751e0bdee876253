const DIGITS = 12;
const ITEM_ID = /^\d{12,16}$/;

/** The id of the n-th item of a store: of fixed width, so that ids sort as text in the order of pushing. */
export function formatItemId(n: number): string {
  return String(n).padStart(DIGITS, '0');
}

/** The number in an id, or null for what is no such id. */
export function parseItemId(id: string): number | null {
  if (!ITEM_ID.test(id)) return null;
  const n = Number(id);
  return formatItemId(n) === id ? n : null;
}
