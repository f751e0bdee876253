/** Longer waits are taken for mistakes of whoever asks for them, seconds. */
const MAX_WAIT = 24 * 60 * 60;

/**
 * How long the other side asks to wait, seconds; null = it does not say. Knows `retry-after-ms` (milliseconds) and `Retry-After` as seconds or HTTP date.
 * @param headers names in lower case
 * @param now milliseconds since the epoch
 */
export function retryAfter(
  headers: Readonly<Record<string, string | undefined>>,
  now = Date.now(),
): number | null {
  const milliseconds = number(headers['retry-after-ms']);
  if (milliseconds !== null) return waitWithin(milliseconds / 1000);
  const text = headers['retry-after'];
  if (text === undefined) return null;
  const seconds = number(text);
  if (seconds !== null) return waitWithin(seconds);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : waitWithin((date - now) / 1000);
}

function number(text: string | undefined): number | null {
  return text !== undefined && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : null;
}

/** A wait that somebody asks for, within reason; seconds. */
export function waitWithin(seconds: number): number {
  return Math.min(Math.max(seconds, 0), MAX_WAIT);
}
