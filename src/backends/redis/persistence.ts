import { FlatMachineError } from '../../errors.ts';
import { type MachineSnapshot, stepKey } from '../../machine/snapshot.ts';
import type { PersistenceBackend, StepRecord } from '../interfaces.ts';
import { checkId, parsePrefix, parseStepKey } from '../keys.ts';
import type { RedisStore } from './connection.ts';
import { createExecutionList } from './execution-list.ts';
import { DELETE_EXECUTION, DELETE_STEP, LATEST, LOOK, SET_CANCEL } from './lua/steps.ts';
import { standing } from './standing.ts';
import { originKeyOf, readRecord, readSnapshot } from './step-text.ts';
import { createStepWriter } from './step-writer.ts';

/** How many records, or ids, are read at a time. */
const RECORDS_PAGE = 50;
const IDS_PAGE = 1000;

/** What `LOOK` gives. */
type LookedAt = [record?: string, mark?: string, origin?: string];

type Decode<T> = (executionId: string, step: number, record: string, origin: string | null) => T;

/** Steps on a redis server: written once, by one script with the check of the fence. */
export function createRedisPersistence(
  store: RedisStore,
  onWarning: (message: string) => void,
): PersistenceBackend {
  const save = createStepWriter(store, onWarning);
  const executions = createExecutionList(store);
  const newest = store.script(LATEST);
  const look = store.script(LOOK);
  const removeStep = store.script(DELETE_STEP);
  const removeExecution = store.script(DELETE_EXECUTION);
  const setCancel = store.script(SET_CANCEL);

  async function stepsOf(id: string): Promise<number[]> {
    const steps = (await store.command('HKEYS', store.key('steps', id))) as string[];
    return steps.map(Number).sort((a, b) => a - b);
  }

  async function recordAt(id: string, step: number): Promise<string | null> {
    return (await store.command('HGET', store.key('steps', id), step)) as string | null;
  }

  async function originFor(id: string, record: string): Promise<string | null> {
    return (await store.command('HGET', store.key('origins', id), originKeyOf(record))) as string | null;
  }

  /** The record, or null when it is damaged, which is told. */
  function readable<T>(
    id: string,
    step: number,
    record: string,
    origin: string | null,
    decode: Decode<T>,
  ): T | null {
    try {
      return decode(id, step, record, origin);
    } catch (error) {
      onWarning(`${stepKey(id, step)} is damaged and was skipped: ${(error as Error).message}`);
      return null;
    }
  }

  /** The newest readable record below a step: step by step backwards. Undefined = there is none at all. */
  async function newestBelow(id: string, below: number): Promise<MachineSnapshot | null | undefined> {
    const steps = (await stepsOf(id)).filter((step) => step < below);
    for (const step of steps.reverse()) {
      const record = await recordAt(id, step);
      if (record === null) continue;
      const snapshot = readable(id, step, record, await originFor(id, record), readSnapshot);
      if (snapshot) return snapshot;
    }
    return steps.length === 0 ? undefined : null;
  }

  function unreadable(id: string): FlatMachineError {
    return new FlatMachineError('backend', `no record of ${id} in ${store.url} is readable`, {
      remedy: 'Restore the store from a copy.',
    });
  }

  /** False = the record was changed meanwhile by somebody else. */
  async function tryDelete(id: string, step: number): Promise<boolean> {
    const [, mark] = (await look(id, step)) as LookedAt;
    if (mark === undefined) return true;
    const others = (await stepsOf(id)).filter((one) => one !== step);
    const other = others.at(-1);
    if (other === undefined) return (await removeStep(id, step, mark, '')) === 'ok';
    const [record, , origin] = (await look(id, other)) as LookedAt;
    if (record === undefined) return false;
    const snapshot = readable(id, other, record, origin || null, readSnapshot);
    const stands = snapshot === null ? [] : standing(snapshot);
    return (await removeStep(id, step, mark, other, ...stands)) === 'ok';
  }

  async function idsWithPrefix(prefix: string): Promise<string[]> {
    const ids: string[] = [];
    const end = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.of(0xff)]);
    for (let from = prefix === '' ? '-' : `[${prefix}`; ; from = `(${ids.at(-1)}`) {
      const page = (await store.command(
        ...['ZRANGEBYLEX' as const, store.key('ids'), from, end, 'LIMIT', 0, IDS_PAGE],
      )) as string[];
      ids.push(...page);
      if (page.length < IDS_PAGE) return ids.sort();
    }
  }

  return {
    save,
    executions,

    async load(key) {
      const parsed = parseStepKey(key);
      const record = parsed && (await recordAt(parsed.executionId, parsed.step));
      if (!parsed || record === null) return null;
      const origin = await originFor(parsed.executionId, record);
      try {
        return readSnapshot(parsed.executionId, parsed.step, record, origin);
      } catch (cause) {
        throw new FlatMachineError('backend', `the record ${key} in ${store.url} is damaged`, { cause });
      }
    },

    async delete(key) {
      const parsed = parseStepKey(key);
      if (!parsed) return;
      while (!(await tryDelete(parsed.executionId, parsed.step)));
    },

    async list(prefix) {
      const { idPrefix, exact } = parsePrefix(prefix);
      const ids = exact ? [idPrefix] : await idsWithPrefix(idPrefix);
      const keys = await Promise.all(
        ids.map(async (id) => (await stepsOf(id)).map((step) => stepKey(id, step))),
      );
      return exact ? keys.flat().filter((key) => key.startsWith(prefix)) : keys.flat();
    },

    async latest(executionId) {
      checkId(executionId);
      const [step, record, origin] = (await newest(executionId)) as [string?, string?, string?];
      if (step === undefined) return null;
      const found =
        record === undefined
          ? null
          : readable(executionId, Number(step), record, origin || null, readSnapshot);
      if (found) return found;
      const older = await newestBelow(executionId, Number(step));
      if (!older) throw unreadable(executionId);
      return older;
    },

    async history(executionId) {
      checkId(executionId);
      const steps = await stepsOf(executionId);
      const flat = (await store.command('HGETALL', store.key('origins', executionId))) as string[];
      const origins = new Map<string, string>();
      for (let i = 0; i < flat.length; i += 2) origins.set(flat[i] as string, flat[i + 1] as string);
      const found: StepRecord[] = [];
      for (let i = 0; i < steps.length; i += RECORDS_PAGE) {
        const page = steps.slice(i, i + RECORDS_PAGE);
        const records = await store.command('HMGET', store.key('steps', executionId), ...page);
        for (const [n, record] of (records as (string | null)[]).entries()) {
          if (record === null) continue;
          const origin = origins.get(originKeyOf(record)) ?? null;
          const read = readable(executionId, page[n] as number, record, origin, readRecord);
          if (read) found.push(read);
        }
      }
      return found;
    },

    async deleteExecution(executionId) {
      checkId(executionId);
      await removeExecution(executionId);
    },

    async requestCancel(executionId) {
      await setCancel(executionId, 1);
    },

    async cancelRequested(executionId) {
      return (await store.command('HGET', store.key('exec', executionId), 'cancel')) === '1';
    },

    async withdrawCancel(executionId) {
      await setCancel(executionId, 0);
    },
  };
}
