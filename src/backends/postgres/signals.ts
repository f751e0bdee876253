import { randomUUID } from 'node:crypto';
import { FlatMachineError } from '../../errors.ts';
import type { JsonValue } from '../../types.ts';
import { checksum } from '../checksum.ts';
import { staleFence, storeClosed } from '../failures.ts';
import type { Signal, SignalBackend, WaitRequest } from '../interfaces.ts';
import { checkChannel, checkId } from '../keys.ts';
import { formatSignalId } from '../signal-id.ts';
import { signalText } from '../signal-text.ts';
import { describeWait, type WaitRow } from '../wait-row.ts';
import type { Database } from './database.ts';
import { createGroupLane, type GroupLane } from './group-lane.ts';
import { inKeyOrder } from './key-order.ts';
import { createReadyList } from './ready-list.ts';
import type { PostgresStore } from './store.ts';

interface SignalRow {
  id: number;
  channel: string;
  checksum: number;
  data: string;
  sent_at: string;
}

type NewSignal = Omit<SignalRow, 'id'> & { nonce: string };

/** `id` is null when there is no signal for it, or its fence is stale. */
type Registered = { stale: true } | { stale: false; id: null } | ({ stale: false } & SignalRow);

const SEND = 'SELECT send_signals($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::text[]) AS id';

const REGISTER = `SELECT * FROM register_waits($1::text[], $2::bigint[], $3::text[], $4::text[], $5::double precision[], $6::text[], $7::bigint[])`;

const QUEUED = 'SELECT id, channel, checksum, data, sent_at FROM signals WHERE given = 0';

/** The most members of one transaction: each channel is a lock of the server's lock table until it commits. */
const MOST = 64;

/** The topic that tells that something may have become ready. */
const READY = 'ready';

function sendLane(database: Database): GroupLane<NewSignal, number> {
  return createGroupLane({
    most: MOST,
    async commit(members) {
      const values = [
        members.map(({ channel }) => channel),
        members.map((signal) => signal.checksum),
        members.map(({ nonce }) => nonce),
        members.map(({ sent_at }) => sent_at),
        members.map(({ data }) => data),
      ];
      const rows = await database.query<{ id: number }>('send_signals', SEND, values, 'writes');
      return rows.map(({ id }) => id);
    },
  });
}

function waitLane(database: Database): GroupLane<WaitRequest, Registered> {
  const childrenOf = ({ for: target }: WaitRequest) =>
    'children' in target ? JSON.stringify(target.children) : null;
  return createGroupLane({
    most: MOST,
    async commit(asked) {
      const { sorted: members, asAsked } = inKeyOrder(asked, ({ fence }) => fence?.key);
      const rows = await database.query<Registered>(
        'register_waits',
        REGISTER,
        [
          members.map(({ executionId }) => executionId),
          members.map(({ work }) => work),
          members.map(({ for: target }) => ('channel' in target ? target.channel : null)),
          members.map(childrenOf),
          members.map(({ deadline }) => deadline),
          members.map(({ fence }) => fence?.key ?? null),
          members.map(({ fence }) => fence?.token ?? null),
        ],
        'writes',
      );
      return asAsked(rows);
    },
  });
}

/** Signals that can be closed. */
export interface PostgresSignals extends SignalBackend {
  /** Ends everybody's watching. */
  close(): void;
}

/** Signals and waits in PostgreSQL: a row each. What ends a wait is in `write_steps`. */
export function createPostgresSignals(store: PostgresStore): PostgresSignals {
  const list = createReadyList(store);
  const watching = new Set<() => void>();
  let stopListening: (() => void) | null = null;
  let closed = false;

  function describeSignal({ id, channel, checksum: sum, data, sent_at }: SignalRow): Signal {
    const signal_id = formatSignalId(id);
    if (checksum(data) === sum) return { signal_id, channel, data: JSON.parse(data) as JsonValue, sent_at };
    throw new FlatMachineError('backend', `signal ${signal_id} on ${JSON.stringify(channel)} is damaged`, {
      details: { signal_id, channel },
      remedy: 'Restore the database from a copy.',
    });
  }

  return {
    async send(channel, data) {
      checkChannel(channel);
      const text = signalText(data);
      const signal = { channel, checksum: checksum(text), data: text, sent_at: new Date().toISOString() };
      const id = await store.write(sendLane, { ...signal, nonce: randomUUID() }, text.length);
      store.readyListeners.changed();
      return describeSignal({ id, ...signal });
    },

    async wait(request) {
      const { executionId, for: target, fence } = request;
      checkId(executionId);
      if ('channel' in target) checkChannel(target.channel);
      const size = 'children' in target ? 20 * target.children.length : 0;
      const registered = await store.write(waitLane, request, size);
      if (registered.stale)
        throw fence ? staleFence(fence) : new TypeError('a wait without a fence is never stale');
      store.readyListeners.changed();
      return registered.id === null ? null : describeSignal(registered);
    },

    ready: list.ready,
    nextDeadline: list.nextDeadline,

    async waits(channel) {
      const rows =
        channel === undefined
          ? await store.query<WaitRow>('all_waits', 'SELECT * FROM waits ORDER BY id')
          : await store.query<WaitRow>('waits_on', 'SELECT * FROM waits WHERE channel = $1 ORDER BY id', [
              channel,
            ]);
      return rows.map(describeWait);
    },

    async queued(channel) {
      const rows =
        channel === undefined
          ? await store.query<SignalRow>('all_queued', `${QUEUED} ORDER BY id`)
          : await store.query<SignalRow>('queued_on', `${QUEUED} AND channel = $1 ORDER BY id`, [channel]);
      return rows.map(describeSignal);
    },

    watch(listener) {
      if (closed) throw storeClosed();
      const remove = store.readyListeners.add(listener);
      stopListening ??= store.listen(READY, () => store.readyListeners.changed());
      const stop = () => {
        remove();
        watching.delete(stop);
        if (watching.size > 0) return;
        stopListening?.();
        stopListening = null;
      };
      watching.add(stop);
      return stop;
    },

    close() {
      closed = true;
      for (const stop of watching) stop();
    },
  };
}
