import { randomUUID } from 'node:crypto';
import { type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import { checksum } from '../checksum.ts';
import { staleFence, stepConflict } from '../failures.ts';
import type { PersistenceBackend, SaveOptions } from '../interfaces.ts';
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
import type { Database } from './database.ts';
import { createGroupLane, type GroupLane } from './group-lane.ts';
import { inKeyOrder } from './key-order.ts';
import { stepRows } from './step-row.ts';
import type { PostgresStore } from './store.ts';

/** A step on its way. */
interface StepWrite {
  /** Drawn for this save: whoever asks again finds out by it what became of it. */
  nonce: string;
  snapshot: MachineSnapshot;
  options: SaveOptions;
  step: EncodedStep;
  /** The row of the execution that has its origin already, null = the origin comes along. */
  known: number | null;
  /** `origins.id` */
  originId: number;
  origin: string | null;
  upTo: number | null;
}

/** What became of it, as `write_steps` says. */
interface Outcome {
  outcome: number;
  /** `executions.id` */
  execution: number;
}

const WRITTEN = 0;
const STALE = 1;
const CONFLICT = 2;
const ORIGIN_UNKNOWN = 3;

/** Types of the parameters of `write_step`, after `again`; `write_steps` takes lists of them. */
const TYPES: readonly string[] = [
  ...['text', 'bigint', 'uuid', 'bigint', 'text', 'text', 'text', 'text', 'text', 'text'],
  ...['bigint', 'bigint', 'text', 'text', 'text', 'text', 'text', 'bigint', 'bigint', 'boolean', 'bigint'],
];

const WRITE_ONE = `SELECT * FROM write_step($1, ${TYPES.map((type, i) => `$${i + 2}::${type}`).join(', ')})`;
const WRITE_MANY = `SELECT * FROM write_steps($1, ${TYPES.map((type, i) => `$${i + 2}::${type}[]`).join(', ')})`;

const ONE = stepRows('AND s.step = $2');

const REMOVE_DAMAGED = `
  DELETE FROM steps s USING executions e
  WHERE e.execution_id = $1 AND s.execution = e.id AND s.step = $2 AND s.nonce = $3::uuid`;

/** The most steps of one transaction. */
const MOST = 64;

/** How many executions' origins are remembered; beyond it the oldest is sent again. */
const MAX_ORIGINS = 20_000;

/** The lane that steps of all executions of this process take. */
function stepLane(database: Database): GroupLane<StepWrite, Outcome> {
  return createGroupLane({
    most: MOST,
    flights: 2,
    async commit(members, again) {
      const [only] = members;
      if (members.length === 1 && only && !touchesWaits(only)) {
        const values = valuesOf(only);
        return database.query<Outcome>(
          'write_step',
          WRITE_ONE,
          (repeated) => [again || repeated, ...values],
          'writes',
        );
      }
      const { sorted, asAsked } = inKeyOrder(members, ({ options }) => options.fence?.key);
      const rows = sorted.map(valuesOf);
      const columns = TYPES.map((_, i) => rows.map((row) => row[i]));
      return asAsked(
        await database.query<Outcome>(
          'write_steps',
          WRITE_MANY,
          (repeated) => [again || repeated, ...columns],
          'writes',
        ),
      );
    },
  });
}

/** Whether waits have to be locked first, which `write_steps` does. */
function touchesWaits({ options, snapshot }: StepWrite): boolean {
  return options.over !== undefined || TERMINAL_STATUSES.has(snapshot.status);
}

/** The parameters of `write_step`, see there. */
function valuesOf({ snapshot, nonce, step, known, originId, origin, options, upTo }: StepWrite): unknown[] {
  const { fence, over } = options;
  return [
    snapshot.execution_id,
    snapshot.step,
    nonce,
    step.checksum,
    step.created_at,
    shown(step.state),
    snapshot.status,
    shown(snapshot.error?.message),
    step.body,
    step.events,
    known,
    originId,
    ...(origin === null
      ? [null, null, null, null]
      : [
          origin,
          shown(snapshot.machine_name),
          shown(snapshot.machine_file),
          shown(snapshot.parent_execution_id),
        ]),
    fence?.key ?? null,
    fence?.token ?? null,
    over?.work ?? null,
    over ? over.signal === 'returned' : null,
    upTo,
  ];
}

/** Columns for lists and people hold no zero, which no text of PostgreSQL can. The record itself is JSON, and exact. */
function shown(text: string | undefined): string | null {
  return text?.replaceAll('\0', '\ufffd') ?? null;
}

/** 53 bits that tell the origins of one execution apart. */
function digestOf(origin: string): number {
  return checksum(origin) * 2 ** 21 + (checksum(origin, 0x9dc5_811c) >>> 11);
}

/** An origin that is stored. */
interface KnownOrigin {
  values: Origin;
  /** `origins.id` */
  id: number;
  /** `executions.id` */
  execution: number;
}

/** Makes the `save` of a store: the path that every step of every execution takes. */
export function createStepWriter(
  store: PostgresStore,
  onWarning: (message: string) => void,
): PersistenceBackend['save'] {
  /** The newest that is known to be stored, by execution. */
  const origins = new Map<string, KnownOrigin>();

  function remember(executionId: string, origin: KnownOrigin): void {
    origins.set(executionId, origin);
    if (origins.size > MAX_ORIGINS) origins.delete(origins.keys().next().value as string);
  }

  /** Makes room where the record that is in the way is damaged, since a resume has to write it again. */
  async function removeDamaged(key: string, { execution_id: id, step }: MachineSnapshot): Promise<boolean> {
    const [row] = await store.query<StepRow & { nonce: string }>('step', ONE, [id, step]);
    try {
      if (row) decodeSnapshot(row);
      return false;
    } catch {
      onWarning(`${key} was damaged and is written anew`);
      await store.query('remove_damaged', REMOVE_DAMAGED, [id, step, row?.nonce]);
      return true;
    }
  }

  return async (key, snapshot, options = {}) => {
    checkStepKey(key, snapshot);
    const { execution_id: executionId } = snapshot;
    const upTo = pruneUpTo(snapshot.step, options.keep);
    const step = encodeStep(snapshot, options.events);
    const newest = origins.get(executionId);
    const same = newest && hasOrigin(snapshot, newest.values) ? newest : null;
    const values = same?.values ?? originOf(snapshot);
    const body = same ? null : encodeOrigin(values);
    const originId = same?.id ?? digestOf(body as string);
    const known = same?.execution ?? null;
    const write: StepWrite = {
      nonce: randomUUID(),
      snapshot,
      options,
      step,
      known,
      originId,
      origin: body,
      upTo,
    };
    const size = step.body.length + (step.events?.length ?? 0) + (body?.length ?? 0);

    let { outcome, execution } = await store.write(stepLane, write, size);
    // Somebody has deleted the execution since its origin was stored: it begins anew.
    const anew = outcome === ORIGIN_UNKNOWN;
    if (anew || (outcome === CONFLICT && (await removeDamaged(key, snapshot)))) {
      const whole = { ...write, known: null, origin: encodeOrigin(values) };
      ({ outcome, execution } = await store.write(stepLane, whole, size));
    }
    if (outcome === STALE && options.fence) throw staleFence(options.fence);
    if (outcome !== WRITTEN) throw stepConflict(key);

    const ends = TERMINAL_STATUSES.has(snapshot.status);
    if (ends || options.over) store.readyListeners.changed();
    if (ends) origins.delete(executionId);
    else if (!same || anew) remember(executionId, { values, id: originId, execution });
  };
}
