import { FlatMachineError } from '../errors.ts';
import { toJson } from '../json.ts';
import type { JsonValue } from '../types.ts';

/** Longest message or item, UTF-16 units of its JSON. Each one becomes part of an execution's records; what is larger belongs into a file that it names. */
const MAX_TEXT = 16 * 1024 * 1024;

/**
 * What a signal says, as JSON.
 * @throws FlatMachineError `not-json`, `too-large`
 */
export function signalText(data: JsonValue): string {
  return boundedJson(data, 'signal');
}

/**
 * What is handed over, a signal or an item of work, as JSON.
 * @param what it is, for messages
 * @throws FlatMachineError `not-json`, `too-large`
 */
export function boundedJson(data: JsonValue, what: string): string {
  const text = jsonOf(toJson(data, what));
  if (text !== null && text.length <= MAX_TEXT) return text;
  throw new FlatMachineError('too-large', `a ${what} may have ${MAX_TEXT} characters of JSON, not more`, {
    remedy: 'Hand over where the data is instead of the data.',
  });
}

/** Null = it is longer than any text. */
function jsonOf(value: JsonValue): string | null {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
