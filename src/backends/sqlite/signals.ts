import { FlatMachineError } from '../../errors.ts';
import type { JsonValue } from '../../types.ts';
import { checksum } from '../checksum.ts';
import type { Signal, SignalBackend, WaitRequest } from '../interfaces.ts';
import { checkChannel, checkId } from '../keys.ts';
import { formatSignalId } from '../signal-id.ts';
import { signalText } from '../signal-text.ts';
import { describeWait, type WaitRow } from '../wait-row.ts';
import { createAwaitedChildren } from './awaited-children.ts';
import type { SqliteStore } from './database.ts';
import { createFenceCheck } from './fence-check.ts';
import { createReadyList } from './ready-list.ts';
import { createReadyWatch } from './ready-watch.ts';
import { createSignalDelivery } from './signal-delivery.ts';

interface SignalRow {
  id: number;
  channel: string;
  checksum: number;
  data: string;
  sent_at: string;
}

/** Signals that can be closed. */
export interface SqliteSignals extends SignalBackend {
  /** Ends everybody's watching. */
  close(): void;
}

/** Signals and waits in SQLite: a row each. Every call that writes is one transaction; what ends a wait is in `work-over.ts`. */
export function createSqliteSignals(store: SqliteStore): SqliteSignals {
  const { connection } = store;
  const checkFence = createFenceCheck(store);
  const delivery = createSignalDelivery(connection);
  const awaited = createAwaitedChildren(connection);
  const list = createReadyList(store);
  const { watch, close } = createReadyWatch(store);
  const insertSignal = connection.prepare<[string, number, string, string]>(
    'INSERT INTO signals (channel, checksum, data, sent_at, given) VALUES (?, ?, ?, ?, 0)',
  );
  const findSignal = connection.prepare<[number], SignalRow>('SELECT * FROM signals WHERE id = ?');
  const queuedOn = connection.prepare<[string], SignalRow>(
    'SELECT * FROM signals WHERE channel = ? AND given = 0 ORDER BY id',
  );
  const allQueued = connection.prepare<[], SignalRow>('SELECT * FROM signals WHERE given = 0 ORDER BY id');
  const findWait = connection.prepare<[string, number], WaitRow>(
    'SELECT * FROM waits WHERE execution_id = ? AND work = ?',
  );
  const putWait = connection.prepare<[string, number, string | null, number | null]>(
    `INSERT INTO waits (execution_id, work, channel, deadline) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET channel = excluded.channel, deadline = excluded.deadline`,
  );
  const setReady = connection.prepare<[number, number]>('UPDATE waits SET ready = ? WHERE id = ?');
  const waitsOn = connection.prepare<[string], WaitRow>('SELECT * FROM waits WHERE channel = ? ORDER BY id');
  const allWaits = connection.prepare<[], WaitRow>('SELECT * FROM waits ORDER BY id');

  /** The wait's row, made what the request asks for, whatever it was before: one piece of work may wait for a signal first and for children then. */
  function register({ executionId, work, for: target, deadline }: WaitRequest): WaitRow {
    putWait.run(executionId, work, 'channel' in target ? target.channel : null, deadline);
    const row = findWait.get(executionId, work) as WaitRow;
    awaited.replace(row.id, 'children' in target ? target.children : []);
    return row;
  }

  function receive(row: WaitRow, channel: string): SignalRow | null {
    if (row.signal === null && !delivery.takeHead(row.id, channel)) {
      setReady.run(0, row.id);
      return null;
    }
    setReady.run(1, row.id);
    const { signal } = findWait.get(row.execution_id, row.work) as WaitRow;
    return findSignal.get(signal as number) as SignalRow;
  }

  return {
    async send(channel, data) {
      checkChannel(channel);
      const text = signalText(data);
      const sentAt = new Date().toISOString();
      const sum = checksum(text);
      const id = await store.write(() => {
        const signal = Number(insertSignal.run(channel, sum, text, sentAt).lastInsertRowid);
        delivery.handOut(signal, channel);
        return signal;
      });
      store.readyListeners.changed();
      return describeSignal({ id, channel, checksum: sum, data: text, sent_at: sentAt });
    },

    async wait(request) {
      const { executionId, for: target, fence } = request;
      checkId(executionId);
      if ('channel' in target) checkChannel(target.channel);
      const signal = await store.write(() => {
        if (fence) checkFence(fence);
        const row = register(request);
        if ('channel' in target) return receive(row, target.channel);
        setReady.run(awaited.hasEnded(row.id) ? 1 : 0, row.id);
        return null;
      });
      store.readyListeners.changed();
      return signal && describeSignal(signal);
    },

    async ready(now, limit) {
      return store.read(() => list.ready(now, limit));
    },

    async nextDeadline() {
      return store.read(() => list.nextDeadline());
    },

    async waits(channel) {
      const rows = store.read(() => (channel === undefined ? allWaits.all() : waitsOn.all(channel)));
      return rows.map(describeWait);
    },

    async queued(channel) {
      const rows = store.read(() => (channel === undefined ? allQueued.all() : queuedOn.all(channel)));
      return rows.map(describeSignal);
    },

    watch,
    close,
  };
}

/** @throws FlatMachineError `backend` when it is damaged */
function describeSignal({ id, channel, checksum: sum, data, sent_at }: SignalRow): Signal {
  const signal_id = formatSignalId(id);
  if (checksum(data) !== sum) {
    throw new FlatMachineError('backend', `signal ${signal_id} on ${JSON.stringify(channel)} is damaged`, {
      details: { signal_id, channel },
      remedy: 'Restore the file from a copy.',
    });
  }
  return { signal_id, channel, data: JSON.parse(data) as JsonValue, sent_at };
}
