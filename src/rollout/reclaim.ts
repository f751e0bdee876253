import type { BackendSet } from '../backends/interfaces.ts';
import type { Boxes } from './boxes.ts';
import { standingOf, underItsLease } from './liveness.ts';
import { releaseExecution, type Tell } from './release.ts';

/** Whose pool is full. */
export interface FullPool {
  backends: BackendSet;
  boxes: Boxes;
  pool: string;
  min: number;
  tell: Tell;
}

/**
 * Frees what executions that are over still hold of a pool, and environments that one which nobody runs had only begun to create. A workspace that a resume
 * would want stays.
 * @param asking the execution on whose behalf: its own are left alone
 * @returns whether anything may have become free
 */
export async function reclaim(full: FullPool, asking: string): Promise<boolean> {
  const { backends, pool } = full;
  let freed = await finishRetired(full, asking);
  const creating = (await backends.slots.environments({ pool }))
    .filter(({ state }) => state === 'creating')
    .map(({ owner }) => owner);
  const holders = (await backends.slots.slots({ pool })).flatMap(({ trajectory_id }) => trajectory_id ?? []);
  for (const owner of new Set([...creating, ...holders])) {
    if (owner === asking) continue;
    const standing = await standingOf(backends, owner);
    if (standing.is === 'alive') continue;
    if (standing.is !== 'ended' && !creating.includes(owner)) continue;
    const give = () => (standing.is === 'ended' ? giveBack(full, owner) : dropBegun(full, owner));
    freed = (await underItsLease(backends, owner, give)) || freed;
  }
  return freed;
}

/**
 * Ends removals that were cut off: the asking execution's own, and those of owners that nobody runs.
 * @returns whether there were any
 */
export async function finishRetired({ backends, boxes, pool }: FullPool, asking: string): Promise<boolean> {
  let any = false;
  for (const record of await backends.slots.environments({ pool })) {
    if (record.state !== 'destroying') continue;
    const mine = record.owner === asking;
    if (!mine && (await standingOf(backends, record.owner)).is === 'alive') continue;
    any = (await boxes.retire(record)) || any;
  }
  return any;
}

function giveBack({ backends, boxes, pool, min, tell }: FullPool, owner: string): Promise<void> {
  return releaseExecution(backends, () => boxes.runner, owner, {
    pool,
    // The release is another execution's; only what is wrong with the pool concerns this one.
    tell: (event) => event.type === 'log' && tell(event),
    min: () => min,
    boxes: () => boxes,
  });
}

async function dropBegun({ backends, boxes, pool }: FullPool, owner: string): Promise<void> {
  for (const record of await backends.slots.environments({ pool })) {
    if (record.owner === owner && record.state === 'creating') await boxes.retire(record);
  }
}
