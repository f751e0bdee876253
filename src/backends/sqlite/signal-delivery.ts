import type { Database } from 'better-sqlite3';
import type { WorkOver } from '../interfaces.ts';
import type { WaitRow } from '../wait-row.ts';

/** The moves of signals between queues and waits. Every one is part of somebody's transaction. */
export interface SignalDelivery {
  /** Gives a signal to everybody who waits on its channel, or queues it. */
  handOut(signal: number, channel: string): void;
  /** Gives a wait the head of its channel's queue. False = there is none. */
  takeHead(wait: number, channel: string): boolean;
  /** Removes a wait, with what becomes of its signal. */
  drop(wait: WaitRow, signal: WorkOver['signal']): void;
}

/** Makes the moves of a store. */
export function createSignalDelivery(connection: Database): SignalDelivery {
  const giveToAll = connection.prepare<[number, string]>(
    'UPDATE waits SET signal = ?, ready = 1 WHERE channel = ? AND signal IS NULL',
  );
  const give = connection.prepare<[number, number]>('UPDATE waits SET signal = ?, ready = 1 WHERE id = ?');
  const setGiven = connection.prepare<[number, number]>('UPDATE signals SET given = ? WHERE id = ?');
  const head = connection
    .prepare<[string], number>('SELECT id FROM signals WHERE channel = ? AND given = 0 ORDER BY id LIMIT 1')
    .pluck();
  const find = connection.prepare<[number], { channel: string; given: number }>(
    'SELECT channel, given FROM signals WHERE id = ?',
  );
  const isHeld = connection.prepare<[number]>('SELECT 1 FROM waits WHERE signal = ? LIMIT 1').pluck();
  const removeSignal = connection.prepare<[number]>('DELETE FROM signals WHERE id = ?');
  const removeWait = connection.prepare<[number]>('DELETE FROM waits WHERE id = ?');

  function handOut(signal: number, channel: string): void {
    setGiven.run(giveToAll.run(signal, channel).changes, signal);
  }

  return {
    handOut,
    takeHead(wait, channel) {
      const signal = head.get(channel);
      if (signal === undefined) return false;
      setGiven.run(1, signal);
      give.run(signal, wait);
      return true;
    },
    drop({ id, signal }, fate) {
      removeWait.run(id);
      const given = signal === null ? undefined : find.get(signal);
      if (signal === null || given === undefined) return;
      if (fate === 'returned' && given.given === 1) handOut(signal, given.channel);
      else if (isHeld.get(signal) === undefined) removeSignal.run(signal);
    },
  };
}
