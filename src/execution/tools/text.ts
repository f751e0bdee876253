/** What a tool may tell a model at once, characters. */
export const MAX_RESULT = 30_000;

/** What saying how much was left out may take, characters. */
const NOTE = 60;

/** A text of at most `max` characters: what is longer loses its middle, which it says. */
export function bounded(text: string, max = MAX_RESULT): string {
  if (text.length <= max) return text;
  const half = Math.floor((max - NOTE) / 2);
  const head = text.slice(0, wholeEnd(text, half));
  const tail = text.slice(wholeEnd(text, text.length - half));
  const dropped = text.length - head.length - tail.length;
  return `${head}\n[... ${dropped} characters left out ...]\n${tail}`;
}

/** `at`, or one less where it would cut a surrogate pair in two. */
function wholeEnd(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  return before >= 0xd800 && before < 0xdc00 ? at - 1 : at;
}
