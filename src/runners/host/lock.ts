import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FlatMachineError } from '../../errors.ts';
import { identify, isAlive, type ProcessIdentity } from './processes.ts';

const PATIENCE_MS = 30_000;
const POLL_MS = 20;

/**
 * Does `work` while no other process of this host, and nothing else in this one, holds the lock file `path`. The lock of a
 * process that has died is taken over.
 * @throws FlatMachineError `locked` after 30 s
 */
export async function exclusively<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, JSON.stringify(await identify(process.pid)));
  try {
    await acquire(path, mine);
    try {
      return await work();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

async function acquire(path: string, mine: string): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!(await linked(mine, path))) {
    await releaseDead(path);
    if (performance.now() > giveUpAt)
      throw new FlatMachineError('locked', `${path} is held by another process`);
    await sleep(POLL_MS);
  }
}

/** A link appears whole or not at all, and never over another. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  }
}

async function releaseDead(path: string): Promise<void> {
  const holder = await holderOf(path);
  if (holder === null || (await isAlive(holder))) return;
  // moved away first: of several who see the dead one, none can remove the lock that the next has taken meanwhile
  const grave = `${path}.${randomUUID()}`;
  const moved = await rename(path, grave).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  const taken = await holderOf(grave);
  if (taken !== null && (await isAlive(taken))) await linked(grave, path);
  await rm(grave, { force: true });
}

async function holderOf(path: string): Promise<ProcessIdentity | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text === '' ? null : (JSON.parse(text) as ProcessIdentity);
}
