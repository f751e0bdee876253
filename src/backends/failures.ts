import { FlatMachineError } from '../errors.ts';
import type { Fence } from './interfaces.ts';

/** The error of a write under a fence that is not the newest of its key. */
export function staleFence(fence: Fence): FlatMachineError {
  return new FlatMachineError(
    'lease-lost',
    `the lease of ${fence.key} is lost: this process may not write for it`,
    {
      details: { key: fence.key, token: fence.token },
    },
  );
}

/** The error of a second writer of one step. */
export function stepConflict(key: string): FlatMachineError {
  return new FlatMachineError('step-conflict', `${key} is already written`, { details: { key } });
}

/** The error of a second entry under one key of a journal. */
export function journalConflict(executionId: string, work: number, key: string): FlatMachineError {
  const entry = `journal entry ${JSON.stringify(key)} of ${executionId}, work ${work},`;
  return new FlatMachineError('step-conflict', `${entry} is already written`, {
    details: { execution_id: executionId, work, key },
  });
}

/** The error of an environment id that is recorded already. */
export function environmentExists(id: string): FlatMachineError {
  return new FlatMachineError('already-exists', `environment ${id} is already recorded`);
}

/** The error of any call after `close()`. */
export function storeClosed(): FlatMachineError {
  return new FlatMachineError('backend', 'the store is closed', { remedy: 'Open it again.' });
}
