import { type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import { stepConflict } from '../failures.ts';
import type { PersistenceBackend } from '../interfaces.ts';
import { checkStepKey, pruneUpTo } from '../keys.ts';
import {
  decodeSnapshot,
  type EncodedStep,
  encodeOrigin,
  encodeStep,
  hasOrigin,
  type Origin,
  originOf,
  type StepRow,
} from '../step-record.ts';
import { summarize } from '../summary.ts';
import type { SqliteStore } from './database.ts';
import { createFenceCheck } from './fence-check.ts';
import { isCorrupt, sqliteCode } from './sqlite-errors.ts';
import type { WorkEnds } from './work-over.ts';

/** Where an execution's steps belong, as committed. */
interface Place {
  /** `executions.id` */
  execution: number;
  /** `origins.id` */
  origin: number;
  values: Origin;
}

/** How many executions' places are remembered; beyond it the oldest is looked up again. */
const MAX_PLACES = 20_000;

/** Makes the `save` of a store: the path that every step of every execution takes. */
export function createStepWriter(
  store: SqliteStore,
  work: WorkEnds,
  onWarning: (message: string) => void,
): PersistenceBackend['save'] {
  const { connection } = store;
  const checkFence = createFenceCheck(store);
  const insertStep = connection.prepare<
    [number, number, number, string, string, number, string, string | null]
  >(
    'INSERT INTO steps (execution, step, origin, created_at, state, checksum, body, events) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const findStatus = connection
    .prepare<[number], string>('SELECT status FROM executions WHERE id = ?')
    .pluck();
  const updateExecution = connection.prepare<[string, string, number, string, string | null, number, number]>(
    'UPDATE executions SET status = ?, state = ?, step = ?, updated_at = ?, error = ? WHERE id = ? AND step <= ?',
  );
  const updateMachine = connection.prepare<[string, string | null, number]>(
    'UPDATE executions SET machine_name = ?, machine_file = ? WHERE id = ?',
  );
  const prune = connection.prepare<[number, number]>('DELETE FROM steps WHERE execution = ? AND step <= ?');
  const findExecution = connection
    .prepare<[string], number>('SELECT id FROM executions WHERE execution_id = ?')
    .pluck();
  const insertExecution = connection.prepare(
    `INSERT INTO executions (execution_id, machine_name, machine_file, parent_execution_id, status, state, step, created_at, updated_at, error)
     VALUES (@execution_id, @machine_name, @machine_file, @parent_execution_id, @status, @state, @step, @created_at, @updated_at, @error)`,
  );
  const findOrigin = connection
    .prepare<[number, string], number>('SELECT id FROM origins WHERE execution = ? AND body = ?')
    .pluck();
  const insertOrigin = connection.prepare<[number, string]>(
    'INSERT INTO origins (execution, body) VALUES (?, ?)',
  );
  const findStep = connection.prepare<[number, number], StepRow>(
    `SELECT '' AS execution_id, s.step, s.created_at, s.body, s.events, s.checksum, o.body AS origin
     FROM steps s LEFT JOIN origins o ON o.id = s.origin WHERE s.execution = ? AND s.step = ?`,
  );
  const removeStep = connection.prepare<[number, number]>(
    'DELETE FROM steps WHERE execution = ? AND step = ?',
  );

  /** Filled only after a commit: an id from a transaction that was rolled back may become another execution's. */
  const places = new Map<string, Place>();

  function remember(executionId: string, place: Place): void {
    places.set(executionId, place);
    if (places.size > MAX_PLACES) places.delete(places.keys().next().value as string);
  }

  /** Finds the rows a step belongs to, or makes them. */
  function settle(snapshot: MachineSnapshot, known: number | undefined): Place {
    const values = originOf(snapshot);
    const body = encodeOrigin(values);
    const summary = summarize(snapshot, snapshot.created_at);
    const execution = known ?? Number(insertExecution.run(summary).lastInsertRowid);
    let origin = findOrigin.get(execution, body);
    if (origin === undefined) {
      origin = Number(insertOrigin.run(execution, body).lastInsertRowid);
      updateMachine.run(summary.machine_name, summary.machine_file, execution);
    }
    return { execution, origin, values };
  }

  /** Refuses a second writer; makes room where the first one's record is damaged, since a resume has to write it again. */
  function refuseIfWritten(execution: number, snapshot: MachineSnapshot, key: string): void {
    try {
      const row = findStep.get(execution, snapshot.step);
      if (row === undefined) return;
      decodeSnapshot(row);
    } catch (error) {
      if (sqliteCode(error) !== null && !isCorrupt(error)) throw error;
      onWarning(`${key} was damaged and is written anew`);
      removeStep.run(execution, snapshot.step);
      return;
    }
    throw stepConflict(key);
  }

  function insert(place: Place, snapshot: MachineSnapshot, step: EncodedStep): void {
    const { created_at, state, checksum, body, events } = step;
    insertStep.run(place.execution, snapshot.step, place.origin, created_at, state, checksum, body, events);
  }

  function insertAt(place: Place, key: string, snapshot: MachineSnapshot, step: EncodedStep): void {
    try {
      insert(place, snapshot, step);
    } catch (error) {
      if (sqliteCode(error) !== 'SQLITE_CONSTRAINT_UNIQUE') throw error;
      refuseIfWritten(place.execution, snapshot, key);
      insert(place, snapshot, step);
    }
  }

  function insertAnywhere(key: string, snapshot: MachineSnapshot, step: EncodedStep): Place {
    const known = findExecution.get(snapshot.execution_id);
    if (known !== undefined) refuseIfWritten(known, snapshot, key);
    const place = settle(snapshot, known);
    insert(place, snapshot, step);
    return place;
  }

  function update({ execution }: Place, snapshot: MachineSnapshot, { state, created_at }: EncodedStep): void {
    const { status, step, error } = snapshot;
    updateExecution.run(status, state, step, created_at, error?.message ?? null, execution, step);
  }

  return async (key, snapshot, options = {}) => {
    checkStepKey(key, snapshot);
    const { fence, over } = options;
    const ends = TERMINAL_STATUSES.has(snapshot.status);
    const upTo = pruneUpTo(snapshot.step, options.keep);
    const step = encodeStep(snapshot, options.events);
    const known = places.get(snapshot.execution_id);
    const remembered = known && hasOrigin(snapshot, known.values) ? known : null;

    const place = await store.write(() => {
      if (fence) checkFence(fence);
      let written = remembered;
      // Undefined as well when somebody has deleted the execution since its place was remembered.
      const status = remembered ? findStatus.get(remembered.execution) : undefined;
      if (written && status !== undefined) insertAt(written, key, snapshot, step);
      else written = insertAnywhere(key, snapshot, step);
      if (status !== 'running' || snapshot.status !== 'running') update(written, snapshot, step);
      if (upTo !== null) prune.run(written.execution, upTo);
      if (over) work.over(snapshot.execution_id, over);
      if (ends) work.executionEnded(snapshot.execution_id);
      return written;
    });

    if (ends || over) store.readyListeners.changed();
    if (ends) places.delete(snapshot.execution_id);
    else if (place !== known) remember(snapshot.execution_id, place);
  };
}
