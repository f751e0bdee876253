import { lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { staleFence } from '../failures.ts';
import type { Fence } from '../interfaces.ts';
import type { LeaseStore } from '../leases.ts';
import { isDead, leaseClock, type ProcessIdentity, thisProcess } from '../process-identity.ts';
import { makeDirectory } from './directories.ts';
import { errnoOf, orMissing } from './file-errors.ts';
import { fileName } from './names.ts';
import { DamagedFile, readSealed, seal } from './sealed.ts';
import type { LocalStore } from './store.ts';

/** What a lease's file says. */
interface LeaseFile {
  holder: ProcessIdentity;
  acquired_at: string;
  /** When it runs out, on {@link leaseClock}: for processes of the same boot. */
  expires: number;
  /** The same by the wall clock, for those of other hosts. */
  expires_wall: number;
}

/** The newest lease a key has had. */
interface Newest {
  token: number;
  held: boolean;
}

/** Leases that fenced writes can be checked against. */
export interface LocalLeases extends LeaseStore {
  /** Whether this is the newest lease of its key, and held. To be called right before the write. @throws FlatMachineError `lease-lost` */
  checkFence(fence: Fence): void;
  /** Removes what is kept of a key that nobody alive holds, but for how far its tokens have come. */
  forget(key: string): Promise<void>;
}

const LEASE = /^(\d+)\.(held|free)$/;
const TOKEN = /^\d+$/;

/**
 * Leases as files: `.leases/KEY/TOKEN.held`, renamed to `TOKEN.free` when it is given back. The newest token of a key counts, whatever else is there. The next one
 * is taken by making a hard link of that name, which only one process can; it then looks again whether it is the newest. So no two processes get one token,
 * also when both take over a dead one's lease, and none gets an old one that was cleaned away meanwhile. How far the tokens of deleted
 * keys have come is in the name of a file in `.tokens`; those of new keys begin after it.
 */
export function createLocalLeases(store: LocalStore, onWarning: (message: string) => void): LocalLeases {
  const directoryOf = (key: string) => join(store.root, '.leases', fileName(key));

  function isHeld(key: string, token: number): boolean {
    const newest = newestIn(directoryOf(key));
    return newest?.token === token && newest.held;
  }

  function readLease(key: string, token: number): LeaseFile | null {
    const path = join(directoryOf(key), `${token}.held`);
    try {
      return readSealed(path) as LeaseFile | null;
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      onWarning(`the lease ${path} is damaged, as after a loss of power, and counts as nobody's`);
      return null;
    }
  }

  /** How far the tokens of keys have come that are gone. */
  function floor(): number {
    const names = orMissing(() => readdirSync(join(store.root, '.tokens'))) ?? [];
    return Math.max(0, ...names.filter((name) => TOKEN.test(name)).map(Number));
  }

  /** Makes a new lease of this token if nobody has, and it is still the next one. */
  async function tryToken(key: string, token: number, ttl: number): Promise<boolean> {
    const directory = directoryOf(key);
    const isNew = makeDirectory(directory);
    const path = join(directory, `${token}.held`);
    if (!(await store.create(path, leaseText(ttl, new Date().toISOString()), { lasting: false })))
      return false;
    if (!isHeld(key, token) || floor() >= token) {
      orMissing(() => unlinkSync(path));
      return false;
    }
    removeBelow(directory, token);
    await store.sync(directory);
    if (isNew) await store.sync(join(store.root, '.leases'));
    return true;
  }

  async function renew({ key, token }: Fence, ttl: number): Promise<boolean> {
    const lease = isHeld(key, token) ? readLease(key, token) : null;
    if (lease === null) return false;
    const path = join(directoryOf(key), `${token}.held`);
    await store.replace(path, leaseText(ttl, lease.acquired_at), { lasting: false });
    return isHeld(key, token);
  }

  async function forget(key: string): Promise<void> {
    const directory = directoryOf(key);
    const newest = newestIn(directory);
    if (newest === null) return;
    const { token } = newest;
    const lease = newest.held ? readLease(key, token) : null;
    if (lease !== null && expiresIn(lease) > 0) return;
    const tokens = store.ownDirectory('.tokens');
    if (floor() < token) {
      writeFileSync(join(tokens, String(token)), '', { flag: 'a', mode: 0o600 });
      await store.sync(tokens);
      for (const name of readdirSync(tokens))
        if (TOKEN.test(name) && Number(name) < token) orMissing(() => unlinkSync(join(tokens, name)));
    }
    removeBelow(directory, token + 1);
    try {
      rmdirSync(directory);
    } catch (error) {
      // Somebody has taken the key meanwhile, or forgotten it.
      if (!['ENOTEMPTY', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
    }
  }

  return {
    checkFence(fence) {
      if (!isHeld(fence.key, fence.token)) throw staleFence(fence);
    },
    forget,

    take(key, ttl) {
      return store.write(async () => {
        // Each round that is lost is one that another process has won.
        for (;;) {
          store.ownDirectory('.leases');
          const newest = newestIn(directoryOf(key));
          if (newest?.held) {
            const lease = readLease(key, newest.token);
            if (lease && expiresIn(lease) > 0) return null;
          }
          const token = Math.max(newest?.token ?? 0, floor()) + 1;
          const taken = await tryToken(key, token, ttl).catch(missingIsLost);
          if (taken) return token;
        }
      });
    },

    renew(leases, ttl) {
      return store.write(() => Promise.all(leases.map((lease) => renew(lease, ttl).catch(missingIsLost))));
    },

    async give(leases) {
      await store.write(async () => {
        for (const { key, token } of leases) {
          if (!isHeld(key, token)) continue;
          const directory = directoryOf(key);
          orMissing(() => renameSync(join(directory, `${token}.held`), join(directory, `${token}.free`)));
          const kept = orMissing(() => lstatSync(store.directoryOf(key)));
          if (kept === null) await forget(key);
        }
      });
    },

    holder(key) {
      return store.read(() => {
        const newest = newestIn(directoryOf(key));
        const lease = newest?.held ? readLease(key, newest.token) : null;
        if (newest === null || lease === null) return null;
        return {
          owner: `${lease.holder.pid}@${lease.holder.host}`,
          token: newest.token,
          acquired_at: lease.acquired_at,
          expires_in: expiresIn(lease),
        };
      });
    },
  };
}

/** The newest lease in a directory. Given back counts more than held: a heartbeat that came too late may have put the file back. */
function newestIn(directory: string): Newest | null {
  let newest: Newest | null = null;
  for (const name of orMissing(() => readdirSync(directory)) ?? []) {
    const match = LEASE.exec(name);
    if (match === null) continue;
    const token = Number(match[1]);
    const held = match[2] === 'held';
    if (newest === null || token > newest.token || (token === newest.token && !held))
      newest = { token, held };
  }
  return newest;
}

function removeBelow(directory: string, token: number): void {
  for (const name of orMissing(() => readdirSync(directory)) ?? []) {
    const match = LEASE.exec(name);
    if (match && Number(match[1]) < token) orMissing(() => unlinkSync(join(directory, name)));
  }
}

function leaseText(ttl: number, acquiredAt: string): string {
  const lease: LeaseFile = {
    holder: thisProcess,
    acquired_at: acquiredAt,
    expires: leaseClock() + ttl,
    expires_wall: Date.now() + ttl,
  };
  return seal(JSON.stringify(lease));
}

/**
 * Milliseconds until a lease can be taken; 0 or less = now. Of the same boot the clock that all its processes share counts, and whether the holder is seen to be dead.
 * A host of the same name under another boot is this one, started again. Of other hosts only the wall clock tells.
 */
function expiresIn({ holder, expires, expires_wall }: LeaseFile): number {
  if (holder.boot === thisProcess.boot) return isDead(holder) ? 0 : expires - leaseClock();
  return holder.host === thisProcess.host ? 0 : expires_wall - Date.now();
}

/** A key's directory is gone once somebody has forgotten the key: to be tried again. */
function missingIsLost(error: unknown): false {
  if (errnoOf(error) === 'ENOENT') return false;
  throw error;
}
