import { FlatMachineError } from '../../errors.ts';
import { type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import type { BackendSet, Fence } from '../interfaces.ts';
import { RESULT_PATHS, resultUri } from '../result-uri.ts';
import { EXPORT_VERSION, type ExportRecord } from './records.ts';

/**
 * Reads an execution with all its descendants out of a store, for {@link importExecution} into another: kept steps with their events, journals of work
 * under way, results, and what parked ones wait for. All are held until the end, so that what is read is one moment of them; nothing is changed.
 * @throws FlatMachineError `execution-not-found` · `locked` when somebody runs a part of it · `lease-lost` when a part of it could not be held to the end · `usage`
 * when a part of it holds a slot and can go on: slots stay where they are
 */
export async function* exportExecution(store: BackendSet, id: string): AsyncGenerator<ExportRecord> {
  const held = new Set<string>();
  try {
    await holdTree(store, id, held);
    yield { kind: 'export', version: EXPORT_VERSION, execution_id: id };
    // Children before their parents.
    for (const one of [...held].reverse()) yield* exportOne(store, one);
    for (const one of held) fenceOf(store, one);
    yield { kind: 'end', executions: held.size };
  } finally {
    for (const one of held) await store.locking.release(one);
  }
}

/** Takes the leases of an execution and its descendants; parents first, so that they start no more children. @param held is given their ids */
async function holdTree(
  { locking, persistence }: BackendSet,
  root: string,
  held: Set<string>,
): Promise<void> {
  const found = new Set([root]);
  for (const id of found) {
    if (!(await locking.acquire(id))) {
      const owner = (await locking.holder(id))?.owner ?? 'another process';
      throw new FlatMachineError('locked', `${id} is being run by ${owner}`, {
        remedy: 'Export it once it has stopped.',
      });
    }
    held.add(id);
    for (const child of await persistence.executions({ parent: id })) found.add(child.execution_id);
  }
}

/** @throws FlatMachineError `lease-lost` when it is held no more */
function fenceOf({ locking }: BackendSet, id: string): Fence {
  const lease = locking.lease(id);
  if (lease !== null) return lease;
  throw new FlatMachineError('lease-lost', `the lease of ${id} was lost while it was exported`, {
    remedy: 'What was exported is not whole: export it again.',
  });
}

async function* exportOne(store: BackendSet, id: string): AsyncGenerator<ExportRecord> {
  const records = await store.persistence.history(id);
  const last = records.at(-1)?.snapshot;
  if (last === undefined) throw new FlatMachineError('execution-not-found', `no execution "${id}"`);
  for (const { snapshot, events } of records) yield { kind: 'step', snapshot, events };
  if (!TERMINAL_STATUSES.has(last.status)) yield* exportWork(store, last);
  yield* exportResults(store, id);
}

/** What there is of work that has begun and is not over. */
async function* exportWork(
  store: BackendSet,
  { execution_id: id, work_step: work }: MachineSnapshot,
): AsyncGenerator<ExportRecord> {
  const [slot] = await store.slots.slots({ trajectory: id });
  if (slot !== undefined) {
    throw new FlatMachineError('usage', `${id} holds slot ${slot.slot_id}, which cannot move`, {
      remedy: 'Let it end first, or cancel it.',
    });
  }
  for (const [key, value] of await store.journal.entries(id, work)) {
    yield { kind: 'journal', execution_id: id, work, key, value };
  }
  const wait = (await store.signals.waits()).find((one) => one.execution_id === id && one.work === work);
  if (wait === undefined) return;
  const { channel, deadline } = wait;
  // Asked again for the same work, a wait tells what it was given.
  const given =
    wait.signal_id === null || channel === null
      ? null
      : await store.signals.wait({
          executionId: id,
          work,
          for: { channel },
          deadline,
          fence: fenceOf(store, id),
        });
  const children = channel === null ? await awaitedChildren(store, id) : [];
  yield {
    kind: 'wait',
    execution_id: id,
    work,
    channel,
    children,
    deadline,
    signal: given && { data: given.data },
  };
}

/** A store does not tell which children are waited for: those that have not ended; when all have, any of them lets the parent go on. */
async function awaitedChildren({ persistence }: BackendSet, id: string): Promise<string[]> {
  const children = await persistence.executions({ parent: id });
  const open = children.filter(({ status }) => !TERMINAL_STATUSES.has(status));
  return (open.length > 0 ? open : children).map((child) => child.execution_id);
}

async function* exportResults(store: BackendSet, id: string): AsyncGenerator<ExportRecord> {
  for (const path of RESULT_PATHS) {
    const data = await store.results.read(resultUri(id, path), { block: false });
    if (data !== undefined) yield { kind: 'result', execution_id: id, path, data };
  }
}
