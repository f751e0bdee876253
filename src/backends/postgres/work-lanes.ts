import type { ClaimedItem } from '../interfaces.ts';
import { parseItemId } from '../work-id.ts';
import type { FinishOutcome, NewClaim, NewItem, StoredFinish } from '../work-store.ts';
import type { Database } from './database.ts';
import { createGroupLane, type GroupLane } from './group-lane.ts';
import { describeClaimed, type ExchangeRow } from './work-rows.ts';

/** Most calls that share a transaction. */
const MOST = 200;

const PUSH = 'SELECT work_push($1, $2, $3, $4, $5, $6, $7) AS id';

const EXCHANGE = 'SELECT * FROM work_exchange($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)';

/** One call of `WorkStore.push`. */
export interface PushCall {
  pool: string;
  items: readonly NewItem[];
}

/** One call of `WorkStore.exchange`; ids and tokens are such as there may be. */
export interface ExchangeCall {
  pool: string;
  finishes: readonly StoredFinish[];
  claim: NewClaim | null;
}

/** What became of an {@link ExchangeCall}. */
export interface Exchanged {
  outcomes: FinishOutcome[];
  claimed: ClaimedItem[];
  /** Whether items were put back because their leases had run out. */
  putBack: boolean;
}

/** Pushes of this process: those of one pool that come while another is under way share the next transaction. */
export function pushLane(database: Database): GroupLane<PushCall, number[]> {
  return byPool((pool) => async (calls) => {
    const items = calls.flatMap((call) => call.items);
    const rows = await database.query<{ id: number }>('work-push', PUSH, [
      pool,
      items.map(({ nonce }) => nonce),
      items.map(({ dedupe }) => dedupe),
      items.map(({ data }) => data),
      items.map(({ max_retries }) => max_retries),
      items.map(({ priority }) => priority),
      items.map(({ delay }) => delay),
    ]);
    let next = 0;
    return calls.map((call) => call.items.map(() => (rows[next++] as { id: number }).id));
  });
}

/** Exchanges of this process, likewise: however many items it works on at once, they cost one commit at a time. */
export function exchangeLane(database: Database): GroupLane<ExchangeCall, Exchanged> {
  return byPool((pool) => async (calls, again) => {
    const finishes = calls.flatMap((call) => call.finishes);
    // Calls with the same token get the same items.
    const claims = [
      ...new Map(calls.flatMap(({ claim }) => (claim ? [[claim.claim_token, claim]] : []))).values(),
    ];
    const rows = await database.query<ExchangeRow>('work-exchange', EXCHANGE, (repeated) => [
      pool,
      again || repeated || claims.some(({ fresh }) => !fresh),
      finishes.map(({ id }) => parseItemId(id)),
      finishes.map(({ claim_token }) => claim_token),
      finishes.map(({ status }) => status),
      finishes.map(({ result }) => result),
      finishes.map(({ error }) => error),
      finishes.map(({ delay }) => delay),
      finishes.map(({ poison }) => poison),
      claims.map(({ claim_token }) => claim_token),
      claims.map(({ worker_id }) => worker_id),
      claims.map(({ count }) => count),
      claims.map(({ lease }) => lease),
    ]);
    return dealOut(calls, claims, finishes.length, rows);
  });
}

/** To each call what is its own. */
function dealOut(
  calls: readonly ExchangeCall[],
  claims: readonly NewClaim[],
  finished: number,
  rows: readonly ExchangeRow[],
): Exchanged[] {
  const outcomes = new Array<FinishOutcome>(finished).fill('ok');
  const claimed = new Map<string, Extract<ExchangeRow, { kind: 'claimed' }>[]>(
    claims.map(({ claim_token }) => [claim_token, []]),
  );
  let putBack = false;
  for (const row of rows) {
    if (row.kind === 'put_back') putBack = true;
    else if (row.kind !== 'claimed') outcomes[row.n - 1] = row.kind;
    else claimed.get(claims[row.n - 1]?.claim_token ?? '')?.push(row);
  }
  let finishes = 0;
  return calls.map((call) => {
    const token = call.claim?.claim_token ?? '';
    const own = outcomes.slice(finishes, finishes + call.finishes.length);
    finishes += own.length;
    const items = (claimed.get(token) ?? []).sort((a, b) => a.place - b.place);
    return { outcomes: own, claimed: items.map((row) => describeClaimed(row, token)), putBack };
  });
}

/** A lane for each pool: they do not wait for each other. */
function byPool<Call extends { pool: string }, Outcome>(
  commit: (pool: string) => (calls: readonly Call[], again: boolean) => Promise<Outcome[]>,
): GroupLane<Call, Outcome> {
  const lanes = new Map<string, GroupLane<Call, Outcome>>();
  return {
    run(call, size) {
      const lane = lanes.get(call.pool) ?? createGroupLane({ most: MOST, commit: commit(call.pool) });
      lanes.set(call.pool, lane);
      return lane.run(call, size);
    },
  };
}
