import { createHash, randomUUID } from 'node:crypto';
import { FlatMachineError } from '../../errors.ts';
import type { Fence } from '../interfaces.ts';
import type { LeaseStore } from '../leases.ts';
import { isDead, type ProcessIdentity, thisProcess } from '../process-identity.ts';
import type { Agent } from './agent.ts';

/** Shortest time to live of a session, milliseconds: Consul's own bound. */
export const MIN_TTL = 10_000;

/** Longest, likewise. */
export const MAX_TTL = 86_400_000;

/** Operations that one transaction may have. */
const TRANSACTION_SIZE = 64;

/** What stands under the key of a lease. */
interface Holder {
  /** Drawn for one acquisition. */
  nonce: string;
  key: string;
  process: ProcessIdentity;
  acquired_at: string;
  /** Milliseconds. */
  ttl: number;
}

interface Entry {
  /** The session that holds it; null = nobody. */
  session: string | null;
  /** Of its last change: greater than that of every earlier change of any key, deleted ones too. */
  index: number;
  holder: Holder | null;
}

/** Leases with the session that they hang on. */
export interface ConsulLeases extends LeaseStore {
  /** Ends the session, and with it whatever it still holds. */
  close(): Promise<void>;
}

/**
 * Leases as keys that a session has locked. There is one session per lock object; it is renewed with the leases, and when it ends, by its time to live or by an operator's
 * hand, Consul deletes its keys. A key that is there is held.
 *
 * **Tokens** are the Raft index of the acquisition, Consul's own count of all changes. It grows across sessions and deletions of the key. `LockIndex` would not: it
 * begins at 1 again with a key that was deleted, and keys that are never deleted would fill Consul's memory.
 *
 * **Time** is Consul's. It ends a session after its time to live and before twice that, and takes 10 s at least: a lease never lives shorter there than its holder thinks.
 * A holder on this host whose process is gone loses its session at once.
 */
export function createConsulLeases(agent: Agent): ConsulLeases {
  const { prefix } = agent.address;
  let session: Promise<string> | null = null;

  function currentSession(ttl: number): Promise<string> {
    if (session === null) {
      const created = createSession(ttl);
      session = created;
      created.catch(() => forget(created));
    }
    return session;
  }

  function forget(ended: Promise<string>): void {
    if (session === ended) session = null;
  }

  /** Asked twice it makes two; the first holds nothing and runs out. */
  async function createSession(ttl: number): Promise<string> {
    const { text } = await agent.ask('PUT', 'session/create', {
      Name: `flatmachine ${thisProcess.pid}@${thisProcess.host}`,
      TTL: `${Math.ceil(Math.max(ttl, MIN_TTL) / 1000)}s`,
      Behavior: 'delete',
      // Holders know by their own clock when they are no more, and writes are fenced.
      LockDelay: '0s',
      // Only the time to live decides: the health of the agent that is asked says nothing about this process.
      NodeChecks: [],
    });
    return (JSON.parse(text) as { ID: string }).ID;
  }

  /** @returns whether it lives; one that does not is forgotten */
  async function renewSession(mine: Promise<string>): Promise<boolean> {
    const path = `session/renew/${encodeURIComponent(await mine)}`;
    const { status } = await agent.ask('PUT', path, undefined, [404]);
    if (status === 404) forget(mine);
    return status !== 404;
  }

  async function endSession(id: string): Promise<void> {
    await agent.ask('PUT', `session/destroy/${encodeURIComponent(id)}`, undefined);
  }

  async function read(key: string): Promise<Entry | null> {
    const path = encodeURIComponent(keyOf(key)).replaceAll('%2F', '/');
    const { status, text } = await agent.ask('GET', `kv/${path}?consistent`, undefined, [404]);
    if (status === 404) return null;
    const [found] = JSON.parse(text) as { Session?: string; ModifyIndex: number; Value: string | null }[];
    return found
      ? { session: found.Session ?? null, index: found.ModifyIndex, holder: parseHolder(found.Value) }
      : null;
  }

  const keyOf = (key: string): string => `${prefix}leases/${nameOf(key)}`;

  /** The index of the acquisition; null when the key, or the session, is not to be had. */
  async function lock(key: string, id: string, holder: Holder): Promise<number | null> {
    const Value = Buffer.from(JSON.stringify(holder)).toString('base64');
    // The first operation keeps a second acquisition by the same session out, which Consul would grant.
    const { status, text } = await agent.ask(
      'PUT',
      'txn',
      [
        { KV: { Verb: 'check-not-exists', Key: keyOf(key) } },
        { KV: { Verb: 'lock', Key: keyOf(key), Session: id, Value } },
      ],
      [409],
    );
    if (status === 409) return null;
    const { Results } = JSON.parse(text) as { Results: { KV: { ModifyIndex: number } }[] };
    return Results.at(-1)?.KV.ModifyIndex ?? null;
  }

  async function removeKey(key: string, index: number): Promise<void> {
    const path = encodeURIComponent(keyOf(key)).replaceAll('%2F', '/');
    await agent.ask('DELETE', `kv/${path}?cas=${index}`, undefined);
  }

  return {
    async take(key, ttl) {
      const holder: Holder = {
        nonce: randomUUID(),
        key,
        process: thisProcess,
        acquired_at: new Date().toISOString(),
        ttl,
      };
      for (let tries = 0; tries < 5; tries++) {
        const mine = currentSession(ttl);
        const index = await lock(key, await mine, holder);
        if (index !== null) return index;
        const there = await read(key);
        // The key is free: somebody has just given it back, or it was the session.
        if (there === null) await renewSession(mine);
        else if (there.holder?.nonce === holder.nonce) return there.index;
        else if (there.session === null) await removeKey(key, there.index);
        else if (there.holder !== null && hasDied(there.holder.process)) await endSession(there.session);
        else return null;
      }
      return null;
    },

    async renew(leases) {
      const mine = session;
      if (mine === null || !(await renewSession(mine))) return leases.map(() => false);
      return stillHeld(leases, await mine);
    },

    async give(leases) {
      await Promise.all(leases.map(({ key, token }) => removeKey(key, token)));
    },

    async holder(key) {
      const entry = await read(key);
      if (entry === null || entry.session === null || entry.holder === null) return null;
      const { process, acquired_at, ttl } = entry.holder;
      return {
        owner: `${process.pid}@${process.host}`,
        token: entry.index,
        acquired_at,
        // Consul does not tell when a session was renewed last.
        expires_in: hasDied(process) ? 0 : ttl,
      };
    },

    async close() {
      const mine = session;
      if (mine === null) return;
      forget(mine);
      await endSession(await mine);
    },
  };

  /** A key may have been deleted by hand, while its session lives on. */
  async function stillHeld(leases: readonly Fence[], id: string): Promise<boolean[]> {
    const held = leases.map(() => true);
    for (let from = 0; from < leases.length; from += TRANSACTION_SIZE) {
      const some = leases.slice(from, from + TRANSACTION_SIZE);
      const operations = some.map(({ key }) => ({
        KV: { Verb: 'check-session', Key: keyOf(key), Session: id },
      }));
      const { status, text } = await agent.ask('PUT', 'txn', operations, [409]);
      if (status !== 409) continue;
      for (const { OpIndex } of (JSON.parse(text) as { Errors: { OpIndex: number }[] }).Errors) {
        held[from + OpIndex] = false;
      }
    }
    return held;
  }
}

/** Refuses heartbeats that no session can keep. @throws FlatMachineError `usage` */
export function checkHeartbeat(seconds: number): void {
  if (seconds > 0 && 2000 * seconds <= MAX_TTL) return;
  throw new FlatMachineError(
    'usage',
    `consul keeps leases with heartbeats above 0 and up to ${MAX_TTL / 2000} seconds, not ${seconds}`,
  );
}

/** Keys may have 512 bytes, and take any; but people read them, and they stand in URLs. */
function nameOf(key: string): string {
  return /^[A-Za-z0-9_][\w.-]{0,199}$/.test(key) ? key : `~${createHash('sha256').update(key).digest('hex')}`;
}

/** Null when it is nothing that this package has written. */
function parseHolder(value: string | null): Holder | null {
  try {
    const holder = JSON.parse(Buffer.from(value ?? '', 'base64').toString()) as Partial<Holder> | null;
    return holder?.process ? (holder as Holder) : null;
  } catch {
    return null;
  }
}

/** Only of this host's processes, which are told by its boot, can it be seen. */
function hasDied(process: ProcessIdentity): boolean {
  return process.boot !== null && process.boot === thisProcess.boot && isDead(process);
}
