import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendSet, JournalBackend } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { exportExecution } from '../../src/backends/transfer/export.ts';
import { importExecution } from '../../src/backends/transfer/import.ts';
import { keptSteps, saveSteps, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import type { JsonValue } from '../../src/types.ts';

const memory = () => openBackends('memory:');

async function recordsOf(store: BackendSet, id: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const record of exportExecution(store, id)) lines.push(JSON.stringify(record));
  return lines;
}

/** An execution that has got a signal and not used it. */
async function park(store: BackendSet, id: string, data: JsonValue): Promise<void> {
  await store.persistence.save(stepKey(id, 0), snapshotOf(id, 0, { status: 'waiting' }));
  await store.signals.wait(waitOf(id));
  await store.signals.send('door', data);
}

const waitOf = (id: string) => ({
  executionId: id,
  work: 1,
  for: { channel: 'door' },
  deadline: null,
  fence: null,
});

describe('what was given stays given', () => {
  it('a signal is not lost to one that is queued where the execution goes', async () => {
    const [from, to] = [await memory(), await memory()];
    await park(from, 'a', 'for a');
    const lines = await recordsOf(from, 'a');
    const queued = await to.signals.send('door', 'for whoever comes');
    await expect(importExecution(to, lines)).rejects.toMatchObject({ code: 'usage' });
    expect(await to.persistence.latest('a')).toBe(null);
    expect(await to.signals.queued()).toEqual([queued]);
  });

  it('and an import that was cut off is completed, whatever has been queued since', async () => {
    const [from, to] = [await memory(), await memory()];
    await park(from, 'a', 'for a');
    const lines = await recordsOf(from, 'a');
    await importExecution(to, lines);
    await to.signals.send('door', 'for whoever comes');
    await importExecution(to, lines);
    expect(await to.signals.wait(waitOf('a'))).toMatchObject({ data: 'for a' });
  });
});

describe('an export is one moment of all executions in it', () => {
  it('so that all of them are held while any is read', async () => {
    const from = await memory();
    await saveSteps(from, 'p', 0, 0);
    await from.persistence.save(stepKey('c', 0), snapshotOf('c', 0, { parent_execution_id: 'p' }));
    for await (const record of exportExecution(from, 'p')) {
      if (record.kind !== 'step') continue;
      expect(await from.locking.holder('p')).not.toBe(null);
      expect(await from.locking.holder('c')).not.toBe(null);
    }
    for (const id of ['p', 'c']) expect(await from.locking.holder(id)).toBe(null);
  });

  it('and does not end as if whole when one was lost on the way', async () => {
    const from = await memory();
    await saveSteps(from, 'p', 0, 1);
    const read = async () => {
      for await (const record of exportExecution(from, 'p'))
        if (record.kind === 'step') await from.locking.release('p');
    };
    await expect(read()).rejects.toMatchObject({ code: 'lease-lost' });
  });

  it('also of executions that are each other’s parents', async () => {
    const from = await memory();
    for (const [id, parent] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const)
      await from.persistence.save(stepKey(id, 0), snapshotOf(id, 0, { parent_execution_id: parent }));
    const lines = await recordsOf(from, 'a');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ kind: 'end', executions: 2 });
  });
});

it('a long journal is read once, not once per entry', async () => {
  const [from, to] = [await memory(), await memory()];
  await saveSteps(from, 'a', 0, 0);
  for (let n = 0; n < 50; n++) await from.journal.append('a', 1, `k${n}`, n, null);
  const lines = await recordsOf(from, 'a');
  let reads = 0;
  const journal: JournalBackend = {
    ...to.journal,
    entries(id, work) {
      reads++;
      return to.journal.entries(id, work);
    },
  };
  await importExecution({ ...to, journal }, lines);
  expect(reads).toBe(1);
  expect([...(await to.journal.entries('a', 1))]).toEqual([...(await from.journal.entries('a', 1))]);
});

describe('a hostile file stores nothing', () => {
  const header = { kind: 'export', version: 1, execution_id: 'a' };
  const end = { kind: 'end', executions: 1 };
  const step = (fields: object = {}, n = 0) => ({
    kind: 'step',
    snapshot: { ...snapshotOf('a', n), ...fields },
    events: [],
  });
  const wait = {
    kind: 'wait',
    execution_id: 'a',
    work: 1,
    channel: 'c',
    children: [],
    deadline: null,
    signal: null,
  };
  const journal = { kind: 'journal', execution_id: 'a', work: 1, key: 'k', value: 1 };
  const result = { kind: 'result', execution_id: 'a', path: 'result', data: 1 };
  const cases: Record<string, object[]> = {
    'a status that there is not': [step({ status: 'resting' })],
    'no time': [step({ created_at: undefined })],
    'a time that is none': [step({ created_at: 'yesterday' })],
    'no state to go on with': [step({ next_state: 7 })],
    'no name of a machine': [step({ machine_name: null })],
    'no work': [step({ work_step: -1 })],
    'a parent that is no text': [step({ parent_execution_id: ['a'] })],
    'a step that no key can have': [step({ step: Number.MAX_SAFE_INTEGER })],
    'a wait of what has ended': [step({ status: 'completed', next_state: null }), wait],
    'a wait of other work': [step(), { ...wait, work: 9 }],
    'a journal of work to come': [step(), { ...journal, work: 9 }],
    'a result under another name': [step(), { ...result, path: '../../etc/passwd' }],
    'steps after what follows them': [step(), journal, step({}, 1)],
    'its own parent': [step({ parent_execution_id: 'a' })],
    'each other’s parents': [
      step({ execution_id: 'b', parent_execution_id: 'a' }),
      step({ parent_execution_id: 'b' }),
    ],
    'a root that is not in it': [step({ execution_id: 'b' })],
  };
  for (const [name, records] of Object.entries(cases)) {
    it(name, async () => {
      const to = await memory();
      const last = { ...end, executions: name.startsWith('each') ? 2 : 1 };
      const lines = [header, ...records, last].map((record) => JSON.stringify(record));
      await expect(importExecution(to, lines)).rejects.toMatchObject({ code: 'usage' });
      expect(await to.persistence.executions()).toEqual([]);
      expect(await to.signals.waits()).toEqual([]);
    });
  }

  it('ids that lead elsewhere', async () => {
    const to = await memory();
    for (const id of ['../a', 'a/b', '', '..']) {
      const record = { kind: 'step', snapshot: { ...snapshotOf('a', 0), execution_id: id }, events: [] };
      const lines = [{ ...header, execution_id: id }, record, end].map((one) => JSON.stringify(one));
      await expect(importExecution(to, lines)).rejects.toMatchObject({ code: 'invalid-id' });
    }
  });

  it('keys of prototypes are keys like others', async () => {
    const to = await memory();
    const context = JSON.parse('{"__proto__":{"x":1},"constructor":2}') as object;
    await importExecution(
      to,
      [header, step({ context }), end].map((one) => JSON.stringify(one)),
    );
    expect(JSON.stringify((await to.persistence.latest('a'))?.context)).toBe(JSON.stringify(context));
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

describe('into a directory of files', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'flatmachine-transfer-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('nothing is left behind but the steps', async () => {
    const [from, to] = [await memory(), await openBackends(`local:${root}?durability=process-crash`)];
    await saveSteps(from, 'a', 0, 9);
    await importExecution(to, await recordsOf(from, 'a'));
    expect(readdirSync(join(root, 'a')).sort()).toEqual(['head_000009', 'steps']);
    expect(await keptSteps(to, 'a')).toHaveLength(10);
    expect((await to.persistence.executions())[0]).toMatchObject({ step: 9 });
    await to.close();
  });
});
