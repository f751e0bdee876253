import { FlatMachineError } from '../errors.ts';
import { SlotUnopened } from '../runners/supervisor/replies.ts';
import type { JsonObject } from '../types.ts';

/** The error of a box that went down with what ran in it. Nobody's zero. */
export function sandboxLost(message: string, facts: JsonObject = {}, cause?: unknown): FlatMachineError {
  const details = { ...facts, outcome: 'sandbox_lost', blame: 'infra' };
  return new FlatMachineError('sandbox-lost', message, { details, cause });
}

/**
 * What a held slot's environment does. A box that does not know the slot, which was opened in it, is being removed or is another one by now.
 * @throws FlatMachineError `sandbox-lost`; what the work throws
 */
export async function inHeldSlot<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SlotUnopened)
      throw sandboxLost(`the box does not know its slot: ${error.message}`, {}, error);
    throw error;
  }
}
