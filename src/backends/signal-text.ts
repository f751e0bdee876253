import { FlatMachineError } from '../errors.ts';
import { toJson } from '../json.ts';
import type { JsonValue } from '../types.ts';

/** Longest signal, UTF-16 units of its JSON. Each one becomes part of an execution's records; what is larger belongs into a file that it names. */
const MAX_SIGNAL = 16 * 1024 * 1024;

/**
 * What a signal says, as JSON.
 * @throws FlatMachineError `not-json`, `too-large`
 */
export function signalText(data: JsonValue): string {
  const text = jsonOf(toJson(data, 'signal'));
  if (text !== null && text.length <= MAX_SIGNAL) return text;
  throw new FlatMachineError('too-large', `a signal may have ${MAX_SIGNAL} characters of JSON, not more`, {
    remedy: 'Send where the data is instead of the data.',
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
