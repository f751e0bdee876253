import { isDeepStrictEqual } from 'node:util';
import { FlatMachineError } from '../../errors.ts';
import { stepKey, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import type { BackendSet, Fence } from '../interfaces.ts';
import { checkChannel, checkId, checkJournalKey } from '../keys.ts';
import { resultUri } from '../result-uri.ts';
import { EXPORT_VERSION, type ExportRecord, notExported, parseRecord, type WaitRecord } from './records.ts';

type StepRecord = Extract<ExportRecord, { kind: 'step' }>;
type JournalRecord = Extract<ExportRecord, { kind: 'journal' }>;
type ResultRecord = Extract<ExportRecord, { kind: 'result' }>;
type OtherRecord = JournalRecord | ResultRecord | WaitRecord;

/** Everything of one execution in an export. */
interface Exported {
  id: string;
  /** In time order; at least one. */
  steps: StepRecord[];
  /** Of the newest step's `work_step`, in order. */
  journal: JournalRecord[];
  results: ResultRecord[];
  waits: WaitRecord[];
}

/**
 * Stores what `exportExecution` has read elsewhere. Everything is checked before the first write. Of each execution the newest step is written first of all steps,
 * after its journal and wait: cut off at any point, what is there stands where the original stood, and importing the same again completes it.
 * @param lines of the export, held in memory
 * @returns ids of the executions, children before their parents
 * @throws FlatMachineError `usage` for what is no whole export, or when signals are queued where one was given a signal of that channel · `execution-exists` when the store
 * has one of them and it stands elsewhere · `locked` · `invalid-id`
 */
export async function importExecution(
  store: BackendSet,
  lines: Iterable<string> | AsyncIterable<string>,
): Promise<string[]> {
  const executions = await readAll(lines);
  for (const { id, steps } of executions) await assertNew(store, id, steps);
  for (const { waits } of executions) for (const wait of waits) await assertUnqueued(store, wait);
  for (const one of executions) await importOne(store, one);
  return executions.map(({ id }) => id);
}

async function readAll(lines: Iterable<string> | AsyncIterable<string>): Promise<Exported[]> {
  const found = new Map<string, Exported>();
  let root = '';
  let line = 0;
  let ended = false;
  for await (const text of lines) {
    if (text.trim() === '') continue;
    const record = parseRecord(text, ++line);
    if (ended) throw notExported(line, 'the export has ended before it');
    if ((line === 1) !== (record.kind === 'export'))
      throw notExported(line, 'an export begins with a record of kind "export"');
    if (record.kind === 'export') root = rootOf(record);
    else if (record.kind === 'end') ended = assertWhole(record.executions, root, found, line);
    else if (record.kind === 'step') addStep(found, record, line);
    else addOther(found, record, line);
  }
  if (!ended) throw notExported(line + 1, 'the export ends before its last record');
  return [...found.values()];
}

function addStep(found: Map<string, Exported>, record: StepRecord, line: number): void {
  const { execution_id: id, step, parent_execution_id: parent } = record.snapshot;
  checkId(id);
  if (parent === id || (parent !== undefined && found.has(parent)))
    throw notExported(line, 'children come before their parents');
  const known = found.get(id) ?? { id, steps: [], journal: [], results: [], waits: [] };
  found.set(id, known);
  if (step <= (known.steps.at(-1)?.snapshot.step ?? -1))
    throw notExported(line, 'its step is not after the one before');
  if (known.journal.length + known.results.length + known.waits.length > 0)
    throw notExported(line, 'steps come before what follows them');
  known.steps.push(record);
}

function addOther(found: Map<string, Exported>, record: OtherRecord, line: number): void {
  const known = found.get(record.execution_id);
  const last = known?.steps.at(-1)?.snapshot;
  if (known === undefined || last === undefined)
    throw notExported(
      line,
      `it belongs to ${JSON.stringify(record.execution_id)}, of which no step came before`,
    );
  if (record.kind === 'result') {
    known.results.push(record);
    return;
  }
  if (TERMINAL_STATUSES.has(last.status) || record.work !== last.work_step)
    throw notExported(line, 'it belongs to work that is not under way');
  if (record.kind === 'journal') {
    checkJournalKey(record.key);
    known.journal.push(record);
  } else {
    if (record.channel !== null) checkChannel(record.channel);
    for (const child of record.children) checkId(child);
    known.waits.push(record);
  }
}

function rootOf({ version, execution_id }: Extract<ExportRecord, { kind: 'export' }>): string {
  if (version === EXPORT_VERSION) return execution_id;
  throw new FlatMachineError(
    'usage',
    `this is an export of version ${version}; this flatmachine reads ${EXPORT_VERSION}`,
    {
      remedy: 'Import it with the flatmachine that wrote it, or a newer one.',
    },
  );
}

function assertWhole(
  expected: number,
  root: string,
  found: ReadonlyMap<string, Exported>,
  line: number,
): true {
  if (expected !== found.size)
    throw notExported(line, `it says that there are ${expected} executions, and there are ${found.size}`);
  if (!found.has(root)) throw notExported(line, `${JSON.stringify(root)} itself is not in the export`);
  return true;
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

/** A wait would be given what is queued, in place of what it was given where it comes from. */
async function assertUnqueued(
  { signals }: BackendSet,
  { execution_id, channel, signal }: WaitRecord,
): Promise<void> {
  if (channel === null || signal === null) return;
  const waits = await signals.waits(channel);
  if (waits.some((wait) => wait.execution_id === execution_id)) return;
  if ((await signals.queued(channel)).length === 0) return;
  throw new FlatMachineError(
    'usage',
    `"${execution_id}" was given a signal on ${JSON.stringify(channel)}, where others are queued in this store`,
    { remedy: 'Let them be used up first, or import into another store. Nothing was stored.' },
  );
}

async function importOne(store: BackendSet, exported: Exported): Promise<void> {
  const { id, steps } = exported;
  if (!(await store.locking.acquire(id))) {
    throw new FlatMachineError('locked', `execution "${id}" is being run by another process`);
  }
  try {
    await assertNew(store, id, steps);
    const fence = store.locking.lease(id);
    await importJournal(store, exported, fence);
    for (const { path, data } of exported.results) await store.results.write(resultUri(id, path), data);
    for (const wait of exported.waits) await importWait(store, wait, fence);
    await importSteps(store, exported, fence);
  } finally {
    await store.locking.release(id);
  }
}

async function importJournal(
  { journal }: BackendSet,
  { id, journal: records }: Exported,
  fence: Fence | null,
): Promise<void> {
  const [first] = records;
  if (first === undefined) return;
  const there = await journal.entries(id, first.work);
  for (const { work, key, value } of records)
    if (!there.has(key)) await journal.append(id, work, key, value, fence);
}

async function importWait(
  { signals }: BackendSet,
  { execution_id: executionId, work, channel, children, deadline, signal }: WaitRecord,
  fence: Fence | null,
): Promise<void> {
  const request = { executionId, work, for: channel === null ? { children } : { channel }, deadline, fence };
  const given = await signals.wait(request);
  // Whoever else waits on that channel here gets it too, as if it had been sent now.
  if (given === null && signal !== null && channel !== null) await signals.send(channel, signal.data);
}

/** The newest first. */
async function importSteps(
  { persistence }: BackendSet,
  { id, steps }: Exported,
  fence: Fence | null,
): Promise<void> {
  const newest = steps.at(-1) as StepRecord;
  for (const { snapshot, events } of [newest, ...steps.slice(0, -1)]) {
    const key = stepKey(id, snapshot.step);
    if ((await persistence.load(key)) !== null) continue;
    await persistence.save(key, snapshot, {
      events,
      keep: Number.POSITIVE_INFINITY,
      ...(fence && { fence }),
    });
  }
}
