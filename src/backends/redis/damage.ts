import { FlatMachineError } from '../../errors.ts';
import type { JsonValue } from '../../types.ts';
import { checksum } from '../checksum.ts';

/** A JSON text with its checksum before it. @param seed what it belongs to */
export function seal(text: string, seed = ''): string {
  return `${checksum(text, checksum(seed))} ${text}`;
}

/**
 * What was sealed.
 * @param what names it, for the message
 * @throws FlatMachineError `backend` when it is damaged
 */
export function unseal(sealed: string, what: string, seed = ''): JsonValue {
  const space = sealed.indexOf(' ');
  const text = sealed.slice(space + 1);
  if (checksum(text, checksum(seed)) === Number(sealed.slice(0, space))) return JSON.parse(text) as JsonValue;
  throw new FlatMachineError('backend', `${what} is damaged`, { remedy: 'Restore the store from a copy.' });
}
