import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { BackendSet } from '../backends/interfaces.ts';
import { hashJson } from '../json.ts';
import type { EnvironmentSpec } from '../runners/interfaces.ts';
import type { JsonObject } from '../types.ts';

/** What the environments of a pool are made from; all but the identity and the labels, which are the pool's own. */
export type PoolSpec = Omit<EnvironmentSpec, 'id' | 'labels'>;

/** Label that everything this package creates carries. */
export const MARK = { flatmachine: '1' } as const;

/** A short name for a state directory: what is created under one is never touched from another. The same before the directory is made. */
export function homeOf(stateDir: string): string {
  return createHash('sha256')
    .update(realPath(resolve(stateDir)))
    .digest('hex')
    .slice(0, 16);
}

function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  return join(realPath(dirname(path)), basename(path));
}

/**
 * Which store knows the owners of what is created: its URL, or this very process where the store dies with it.
 * `process:PID:START`, the start in clock ticks since boot, so that a reused pid is not taken for it.
 */
export function storeOf(backends: Pick<BackendSet, 'durability' | 'url'>): string {
  return backends.durability === 'none'
    ? `process:${process.pid}:${processStart(process.pid) ?? ''}`
    : backends.url;
}

/** Whether a `process:…` store's process still lives; null when `store` is not of that form. */
export function storeProcessLives(store: string): boolean | null {
  const match = /^process:(\d+):(\d*)$/.exec(store);
  if (match === null) return null;
  const start = processStart(Number(match[1]));
  return start !== null && start === match[2];
}

/** Start of a process in ticks since boot, or null when there is none. Field 22 of its stat line; the name before it may hold anything. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** Everything that decides which pool an environment belongs to. */
export interface PoolIdentity {
  name: string;
  runner: string;
  spec: PoolSpec;
  slotsPerEnvironment: number;
  stateDir: string;
}

/** The name under which processes with the same configuration share a pool. */
export function poolName(identity: PoolIdentity): string {
  const { name, runner, spec, slotsPerEnvironment, stateDir } = identity;
  const hash = hashJson({
    spec: spec as JsonObject,
    slots: slotsPerEnvironment,
    home: homeOf(stateDir),
  });
  return `${name}-${runner}-${hash.slice(0, 12)}`;
}

/** An id nobody else has: fit for container names. */
export function newEnvironmentId(): string {
  return `fm-${randomBytes(8).toString('hex')}`;
}

/** The labels that let a reaper find the owner of what a runner lists. */
export function ownerLabels(
  owner: string,
  pool: string,
  stateDir: string,
  backends: Pick<BackendSet, 'durability' | 'url'>,
  now: number,
): Record<string, string> {
  return {
    ...MARK,
    owner,
    pool,
    home: homeOf(stateDir),
    store: storeOf(backends),
    created: new Date(now).toISOString(),
  };
}

/** A piece of work's id, short enough to be part of the name of a command or a snapshot: long ones are replaced by their hash. */
export function workName(workId: string): string {
  return workId.length <= 120 ? workId : createHash('sha256').update(workId).digest('hex').slice(0, 32);
}
