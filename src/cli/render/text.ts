/** Escape sequences that terminals act upon: CSI, OSC and other strings, and the two-character ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const ESCAPES = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]/g;

/** What is left of control characters, and characters that turn the direction of text or take no room. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Text of unknown origin, made safe for a terminal: escape sequences and control characters go; newlines and tabs stay. */
export function printable(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(ESCAPES, '').replace(CONTROLS, '');
}

/** What JSON leaves as it is though terminals act upon it: DEL, the C1 controls, and characters that turn the direction of text. */
const UNSAFE_IN_JSON = /[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A value as JSON that may be shown on a terminal: what that would act upon is escaped, so that it means the same. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    UNSAFE_IN_JSON,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** {@link printable} text on one line: whitespace runs become one space. */
export function oneLine(text: string): string {
  return printable(text.replace(/\r/g, '\n')).replace(/\s+/g, ' ').trim();
}

/** Columns a character takes: 0 for marks that combine, 2 for East Asian wide ones and emoji, else 1. */
function charWidth(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/\p{M}/u.test(char)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    code >= 0x1f000 ||
    /\p{Emoji_Presentation}/u.test(char);
  return wide ? 2 : 1;
}

/** Columns that text takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** Text cut to at most `columns`, with an ellipsis where something was cut. */
export function clip(text: string, columns: number): string {
  if (columns <= 0) return '';
  let width = 0;
  let kept = '';
  for (const char of text) {
    const next = width + charWidth(char);
    if (next > columns) return `${withoutLast(kept, width, columns)}…`;
    width = next;
    kept += char;
  }
  return kept;
}

/** Makes room for one more column at the end. */
function withoutLast(text: string, width: number, columns: number): string {
  const chars = [...text];
  let left = width;
  while (left > columns - 1 && chars.length > 0) left -= charWidth(chars.pop() as string);
  return chars.join('');
}

/** Text filled up with spaces to `columns`. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)));
}

/** A span of time for people: `340ms`, `1.2s`, `2m05s`, `1h04m`, `3d02h`. */
export function formatSpan(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1000) return `${ms}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** `12:03:44` of an ISO 8601 time, in UTC as stored. */
export function clockTime(iso: string): string {
  return iso.slice(11, 19);
}

/** `2026-01-31 12:03:44` of an ISO 8601 time, in UTC as stored. */
export function dateTime(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

/** `1 step`, `3 steps`. @param many default: `one` with an `s` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
