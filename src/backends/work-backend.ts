import { randomUUID } from 'node:crypto';
import { FlatMachineError } from '../errors.ts';
import type { Claim, ClaimedItem, ClaimOptions, WorkBackend, WorkPool } from './interfaces.ts';
import { checkId } from './keys.ts';
import {
  checkAfter,
  checkCount,
  checkDelay,
  checkLease,
  isItemId,
  newItem,
  storedFinish,
} from './work-checks.ts';
import type { FinishOutcome, NewClaim, StoredFinish, WorkStore } from './work-store.ts';

/** How many of the last ends are remembered, so that they can be told again without their tokens. */
const MAX_ENDED = 1000;

/** No claim has it. */
const NO_TOKEN = '';

/** Makes the work pools of a technology out of what it stores: adds checks, remembered claim tokens and errors, the same for all. */
export function createWorkBackend(store: WorkStore): WorkBackend {
  const pools = new Map<string, WorkPool>();
  return {
    pool(name) {
      const known = pools.get(name);
      if (known) return known;
      checkId(name, 'the name of a pool');
      const pool = createPool(store, name);
      pools.set(name, pool);
      return pool;
    },
    pools: () => store.pools(),
  };
}

function createPool(store: WorkStore, name: string): WorkPool {
  /** Tokens of the claims that this object has made, until it has ended or lost them. */
  const held = new Map<string, string>();
  /** Those of the last that it has ended. */
  const ended = new Map<string, string>();

  function remember({ id, claim_token }: Claim): void {
    held.set(id, claim_token);
  }

  /** What is known of a claim after it was told that it is over. */
  function forget({ id, claim_token }: Claim, outcome: FinishOutcome): void {
    if (held.get(id) !== claim_token) return;
    held.delete(id);
    if (outcome !== 'ok') return;
    ended.delete(id);
    ended.set(id, claim_token);
    if (ended.size > MAX_ENDED) ended.delete(ended.keys().next().value as string);
  }

  function tokenOf(id: string, given: string | undefined): string {
    return given ?? held.get(id) ?? ended.get(id) ?? NO_TOKEN;
  }

  async function claimMany(workerId: string, count: number, options: ClaimOptions): Promise<ClaimedItem[]> {
    const claim = newClaim(workerId, count, options);
    if (claim === null) return [];
    const { claimed } = await store.exchange(name, [], claim);
    claimed.forEach(remember);
    return claimed;
  }

  /** Ends one attempt. */
  async function finish(end: StoredFinish): Promise<void> {
    if (!isItemId(end.id)) throw itemGone(name, end.id);
    const { outcomes } = await store.exchange(name, [end], null);
    forget(end, outcomes[0] as FinishOutcome);
    if (outcomes[0] === 'absent') throw itemGone(name, end.id);
    if (outcomes[0] === 'lost') throw claimLost(name, end.id);
  }

  return {
    name,

    async push(data, options = {}) {
      const ids = await store.push(name, [newItem(data, options, randomUUID())]);
      return ids[0] as string;
    },

    async pushMany(items) {
      if (items.length === 0) return [];
      return store.push(
        name,
        items.map(({ data, options = {} }) => newItem(data, options, randomUUID())),
      );
    },

    async claim(workerId, options = {}) {
      return (await claimMany(workerId, 1, options))[0] ?? null;
    },

    claimMany: (workerId, count, options = {}) => claimMany(workerId, count, options),

    async complete(id, result = null, { claim_token } = {}) {
      await finish(storedFinish({ id, status: 'done', result }, tokenOf(id, claim_token)));
    },

    async fail(id, error, { claim_token, ...rest } = {}) {
      const given = error === undefined ? {} : { error };
      await finish(storedFinish({ id, status: 'failed', ...given, ...rest }, tokenOf(id, claim_token)));
    },

    async exchange(finished, workerId, count, options = {}) {
      const ends = finished.map((end) => storedFinish(end, tokenOf(end.id, end.claim_token)));
      const known = ends.filter(({ id }) => isItemId(id));
      const lost = ends.filter(({ id }) => !isItemId(id)).map(({ id }) => id);
      const claim = newClaim(workerId, count, options);
      if (known.length === 0 && claim === null) return { claimed: [], lost };
      const { outcomes, claimed } = await store.exchange(name, known, claim);
      known.forEach((end, i) => {
        forget(end, outcomes[i] as FinishOutcome);
      });
      claimed.forEach(remember);
      lost.push(...known.filter((_, i) => outcomes[i] !== 'ok').map(({ id }) => id));
      return { claimed, lost };
    },

    async renew(claims, lease) {
      const duration = checkLease(lease);
      if (claims.length === 0) return [];
      const known = claims.filter(({ id }) => isItemId(id));
      const renewed = known.length === 0 ? [] : await store.renew(name, known, duration);
      known.forEach((claim, i) => {
        if (!renewed[i]) forget(claim, 'lost');
      });
      return claims.map((claim) => renewed[known.indexOf(claim)] ?? false);
    },

    async release(id, { claim_token, delay = 0 } = {}) {
      await finish({
        id,
        claim_token: tokenOf(id, claim_token),
        status: 'released',
        result: null,
        error: null,
        delay: checkDelay(delay),
        poison: false,
      });
    },

    async size() {
      const { pending, reclaimable } = await store.counts(name);
      return pending + reclaimable;
    },

    async counts() {
      const { reclaimable: _, ...counts } = await store.counts(name);
      return counts;
    },

    async item(id) {
      if (!isItemId(id)) return null;
      return (await store.items(name, { ids: [id] }))[0] ?? null;
    },

    async items({ status, after = '', limit } = {}) {
      const from = checkAfter(after);
      return store.items(name, {
        ...(status === undefined ? {} : { status }),
        ...(from === null ? {} : { after: from }),
        ...(limit === undefined ? {} : { limit: checkCount(limit, 'limit') }),
      });
    },

    async releaseByWorker(workerId) {
      checkId(workerId, 'a worker id');
      return store.releaseByWorker(name, workerId);
    },

    async requeue(ids) {
      return store.requeue(name, ids === undefined ? null : unique(ids));
    },

    async remove(ids) {
      return store.remove(name, unique(ids));
    },

    watch: (listener) => store.watch(name, listener),
    nextChange: () => store.nextChange(name),
  };
}

/** Null = nothing is to be claimed. */
function newClaim(workerId: string, count: number, options: ClaimOptions): NewClaim | null {
  const { lease, claim_token: given } = options;
  checkId(workerId, 'a worker id');
  if (given !== undefined) checkId(given, 'a claim token');
  const claim = {
    worker_id: workerId,
    count: checkCount(count, 'the number of items to claim'),
    lease: checkLease(lease),
    claim_token: given ?? randomUUID(),
    fresh: given === undefined,
  };
  return count === 0 ? null : claim;
}

/** Each item once, however often it is named. */
function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)].filter(isItemId);
}

function itemGone(pool: string, id: string): FlatMachineError {
  return new FlatMachineError('not-found', `pool ${pool} has no item ${id}`, { details: { pool, id } });
}

function claimLost(pool: string, id: string): FlatMachineError {
  return new FlatMachineError('lease-lost', `the claim of item ${id} of pool ${pool} is lost`, {
    details: { pool, id },
    remedy: 'Drop what was done for it: somebody else may be working on it.',
  });
}
