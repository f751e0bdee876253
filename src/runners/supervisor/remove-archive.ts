import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FlatMachineError } from '../../errors.ts';

/**
 * Removes the archive of a workspace. References come from the store: one that leads out of the snapshots' directory is refused.
 * @throws FlatMachineError `unsafe-path`
 */
export async function removeArchive(snapshotDir: string, reference: string): Promise<void> {
  if (dirname(resolve(reference)) !== resolve(snapshotDir)) {
    throw new FlatMachineError('unsafe-path', `${reference} is not in ${snapshotDir}`);
  }
  await rm(reference, { force: true });
}
