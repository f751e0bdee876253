import { isDeepStrictEqual } from 'node:util';
import { FlatMachineError } from '../../errors.ts';
import { stepKey } from '../../machine/snapshot.ts';
import type { BackendSet, Fence } from '../interfaces.ts';
import { parseResultUri } from '../result-uri.ts';
import { EXPORT_VERSION, type ExportRecord, notExported, parseRecord } from './records.ts';

type StepRecord = Extract<ExportRecord, { kind: 'step' }>;
type OtherRecord = Extract<ExportRecord, { kind: 'journal' | 'result' | 'wait' }>;

/** Everything of one execution in an export. */
interface Exported {
  id: string;
  /** In time order; at least one. */
  steps: StepRecord[];
  others: OtherRecord[];
}

/**
 * Stores what `exportExecution` has read elsewhere. Everything is checked before the first write. Of each execution the newest step is written first of all steps,
 * after its journal and wait: cut off at any point, what is there stands where the original stood, and importing the same again completes it.
 * @param lines of the export, held in memory
 * @returns ids of the executions, children before their parents
 * @throws FlatMachineError `usage` for what is no whole export · `execution-exists` when the store has one of them and it stands elsewhere · `locked`
 */
export async function importExecution(
  store: BackendSet,
  lines: Iterable<string> | AsyncIterable<string>,
): Promise<string[]> {
  const executions = await readAll(lines);
  for (const { id, steps } of executions) await assertNew(store, id, steps);
  for (const one of executions) await importOne(store, one);
  return executions.map(({ id }) => id);
}

async function readAll(lines: Iterable<string> | AsyncIterable<string>): Promise<Exported[]> {
  const found = new Map<string, Exported>();
  let line = 0;
  let ended = false;
  for await (const text of lines) {
    if (text.trim() === '') continue;
    const record = parseRecord(text, ++line);
    if (ended) throw notExported(line, 'the export has ended before it');
    if ((line === 1) !== (record.kind === 'export'))
      throw notExported(line, 'an export begins with a record of kind "export"');
    if (record.kind === 'export') assertVersion(record.version);
    else if (record.kind === 'end') ended = assertCount(record.executions, found, line);
    else add(found, record, line);
  }
  if (!ended) throw notExported(line + 1, 'the export ends before its last record');
  return [...found.values()];
}

function add(found: Map<string, Exported>, record: StepRecord | OtherRecord, line: number): void {
  const id = record.kind === 'step' ? record.snapshot.execution_id : record.execution_id;
  const known = found.get(id);
  if (record.kind === 'step') {
    const before = known?.steps.at(-1)?.snapshot.step ?? -1;
    if (record.snapshot.step <= before) throw notExported(line, 'its step is not after the one before');
    if (known) known.steps.push(record);
    else found.set(id, { id, steps: [record], others: [] });
  } else if (known) known.others.push(record);
  else throw notExported(line, `it belongs to ${JSON.stringify(id)}, of which no step came before`);
}

function assertVersion(version: number): void {
  if (version === EXPORT_VERSION) return;
  throw new FlatMachineError(
    'usage',
    `this is an export of version ${version}; this flatmachine reads ${EXPORT_VERSION}`,
    {
      remedy: 'Import it with the flatmachine that wrote it, or a newer one.',
    },
  );
}

function assertCount(expected: number, found: ReadonlyMap<string, Exported>, line: number): true {
  if (expected === found.size) return true;
  throw notExported(line, `it says that there are ${expected} executions, and there are ${found.size}`);
}

/** What an import that was cut off has left may be there. */
async function assertNew(
  { persistence }: BackendSet,
  id: string,
  steps: readonly StepRecord[],
): Promise<void> {
  const there = await persistence.latest(id);
  if (there === null || isDeepStrictEqual(there, steps.at(-1)?.snapshot)) return;
  throw new FlatMachineError(
    'execution-exists',
    `the store has an execution "${id}" already, and it stands elsewhere`,
    {
      remedy: 'Import into another store, or delete it there first. Nothing was stored.',
    },
  );
}

async function importOne(store: BackendSet, { id, steps, others }: Exported): Promise<void> {
  const { locking, persistence } = store;
  if (!(await locking.acquire(id))) {
    throw new FlatMachineError('locked', `execution "${id}" is being run by another process`);
  }
  try {
    await assertNew(store, id, steps);
    const fence = locking.lease(id);
    for (const record of others) await importOther(store, record, fence);
    const newest = steps.at(-1) as StepRecord;
    for (const { snapshot, events } of [newest, ...steps.slice(0, -1)]) {
      const key = stepKey(id, snapshot.step);
      const there = await persistence.load(key);
      if (there === null)
        await persistence.save(key, snapshot, {
          events,
          keep: Number.POSITIVE_INFINITY,
          ...(fence && { fence }),
        });
    }
  } finally {
    await locking.release(id);
  }
}

async function importOther(store: BackendSet, record: OtherRecord, fence: Fence | null): Promise<void> {
  const { execution_id: executionId } = record;
  switch (record.kind) {
    case 'journal': {
      const { work, key, value } = record;
      const there = await store.journal.entries(executionId, work);
      if (!there.has(key)) await store.journal.append(executionId, work, key, value, fence);
      return;
    }
    case 'result': {
      const uri = `flatagents://${executionId}/${record.path}`;
      parseResultUri(uri);
      return store.results.write(uri, record.data);
    }
    case 'wait': {
      const { work, channel, children, deadline, signal } = record;
      const request = {
        executionId,
        work,
        for: channel === null ? { children } : { channel },
        deadline,
        fence,
      };
      const given = await store.signals.wait(request);
      // Whoever else waits on that channel here gets it too, as if it had been sent now.
      if (given === null && signal !== null && channel !== null)
        await store.signals.send(channel, signal.data);
    }
  }
}
