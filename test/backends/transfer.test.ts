import { describe, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { exportExecution } from '../../src/backends/transfer/export.ts';
import { importExecution } from '../../src/backends/transfer/import.ts';
import { acquired, eventOf, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';

const memory = () => openBackends('memory:');

/** A parked parent with a child that was given a signal and one that has completed, and work under way. */
async function fill(store: BackendSet): Promise<void> {
  const { persistence, journal, signals, results } = store;
  const save = async (id: string, step: number, fields: object = {}) =>
    persistence.save(stepKey(id, step), snapshotOf(id, step, fields), { events: [eventOf(id, step)] });
  await save('p', 0);
  await save('p', 1, { status: 'waiting' });
  await journal.append('p', 2, 'b', { n: 1 }, null);
  await journal.append('p', 2, 'a', null, null);
  await save('p.1', 0, { parent_execution_id: 'p', status: 'waiting', work_step: 1 });
  await save('p.2', 0, { parent_execution_id: 'p' });
  await save('p.2', 1, { parent_execution_id: 'p', status: 'completed', output: 7, next_state: null });
  await results.write('flatagents://p.2/result', 7);
  await signals.wait({ executionId: 'p', work: 2, for: { children: ['p.1'] }, deadline: null, fence: null });
  await signals.wait({ executionId: 'p.1', work: 1, for: { channel: 'door' }, deadline: 4e12, fence: null });
  await signals.send('door', { open: true });
}

async function textOf(store: BackendSet, id: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const record of exportExecution(store, id)) lines.push(JSON.stringify(record));
  return lines;
}

async function filled(): Promise<{ from: BackendSet; lines: string[] }> {
  const from = await memory();
  await fill(from);
  return { from, lines: await textOf(from, 'p') };
}

/** Whatever of it a store can tell. */
async function everything({ persistence, journal, signals, results }: BackendSet) {
  const ids = ['p', 'p.1', 'p.2'];
  return {
    histories: await Promise.all(ids.map((id) => persistence.history(id))),
    newest: await Promise.all(ids.map((id) => persistence.latest(id))),
    summaries: (await persistence.executions()).map(({ created_at: _, ...rest }) => rest),
    journal: [...(await journal.entries('p', 2))],
    results: await Promise.all(ids.map((id) => results.read(`flatagents://${id}/result`, { block: false }))),
    waits: (await signals.waits()).map(({ signal_id, ...wait }) => ({ ...wait, given: signal_id !== null })),
    ready: (await signals.ready(0, 10)).map((wait) => wait.execution_id),
  };
}

describe('an execution moves between stores', () => {
  it('with its children, events, journal, waits and results', async () => {
    const { from, lines } = await filled();
    const to = await memory();
    expect((await importExecution(to, lines)).sort()).toEqual(['p', 'p.1', 'p.2']);
    const there = await everything(to);
    const here = await everything(from);
    expect({ ...there, ready: [], waits: there.waits.sort(byId) }).toEqual({
      ...here,
      ready: [],
      waits: here.waits.sort(byId),
    });
    expect(there.ready).toContain('p.1');
    expect(
      await to.signals.wait({
        executionId: 'p.1',
        work: 1,
        for: { channel: 'door' },
        deadline: 4e12,
        fence: null,
      }),
    ).toMatchObject({
      channel: 'door',
      data: { open: true },
    });
    expect(await to.locking.holder('p')).toBe(null);
  });

  it('and back into one that has it: nothing changes', async () => {
    const { from, lines } = await filled();
    const before = await everything(from);
    await importExecution(from, lines);
    expect(await everything(from)).toEqual(before);
  });

  it('completes an import that was cut off at any write', async () => {
    const { lines } = await filled();
    const whole = await memory();
    await importExecution(whole, lines);
    const wanted = await everything(whole);
    for (let writes = 0; ; writes++) {
      const to = await memory();
      const cut = await importExecution(cutOff(to, writes), lines).then(
        () => false,
        (error: Error) => error.message === 'cut off' || Promise.reject(error),
      );
      for (const id of ['p', 'p.1', 'p.2']) {
        const there = await to.persistence.latest(id);
        expect(there === null || JSON.stringify(there)).toBe(
          there === null || JSON.stringify(await whole.persistence.latest(id)),
        );
      }
      await importExecution(to, lines);
      expect(await everything(to)).toEqual(wanted);
      if (!cut) break;
      expect(writes).toBeLessThan(50);
    }
  });
});

describe('what is not moved', () => {
  it('an execution that is being run, or is not there', async () => {
    const { from } = await filled();
    await acquired(from, 'p.1');
    await expect(textOf(from, 'p')).rejects.toMatchObject({ code: 'locked' });
    await expect(textOf(from, 'nobody')).rejects.toMatchObject({ code: 'execution-not-found' });
  });

  it('one that holds a slot', async () => {
    const { from } = await filled();
    const fence = await acquired(from, 'p');
    const at = { pool: 'x', created_at: '2026-01-01T00:00:00.000Z', owner: 'p' };
    await from.slots.addEnvironment(
      { environment_id: 'e', runner: 'local', state: 'creating', address: '', spec: {}, ...at },
      fence,
    );
    await from.slots.addSlots([
      {
        slot_id: 's',
        alloc_id: 'e',
        container_addr: '',
        workspace_dir: '',
        state: 'available',
        trajectory_id: null,
        metadata: {},
        pool: 'x',
        token: 0,
      },
    ]);
    await from.slots.updateEnvironment('e', { state: 'ready' });
    await from.slots.acquireSlot('x', 'p', fence);
    await from.locking.release('p');
    await expect(textOf(from, 'p')).rejects.toThrow(/p holds slot s, which cannot move/);
  });

  it('into a store where it stands elsewhere', async () => {
    const { lines } = await filled();
    const to = await memory();
    await to.persistence.save(stepKey('p', 0), snapshotOf('p', 0));
    await expect(importExecution(to, lines)).rejects.toMatchObject({ code: 'execution-exists' });
    expect(await to.persistence.latest('p.1')).toBe(null);
  });

  const broken: Record<string, (lines: string[]) => string[]> = {
    'no JSON': (lines) => [...lines.slice(0, 3), '{', ...lines.slice(3)],
    'another kind': (lines) => ['{"kind":"__proto__"}', ...lines],
    'without its first line': (lines) => lines.slice(1),
    'cut off': (lines) => lines.slice(0, -1),
    'with a field missing': (lines) => lines.map((line) => line.replace('"status":', '"state":')),
    'of another version': (lines) => [
      lines[0]?.replace('"version":1', '"version":2') ?? '',
      ...lines.slice(1),
    ],
    'with one execution less': (lines) => lines.filter((line) => !line.includes('p.2')),
    'two of them': (lines) => [...lines, ...lines],
    nothing: () => [],
  };
  for (const [name, damage] of Object.entries(broken)) {
    it(`a file that is damaged: ${name}`, async () => {
      const { lines } = await filled();
      const to = await memory();
      await expect(importExecution(to, damage(lines))).rejects.toMatchObject({ code: 'usage' });
      expect(await to.persistence.executions()).toEqual([]);
    });
  }
});

const byId = (a: { execution_id: string }, b: { execution_id: string }) =>
  a.execution_id.localeCompare(b.execution_id);

/** The store, failing at every write after the first `left`. */
function cutOff(store: BackendSet, left: number): BackendSet {
  let writes = 0;
  const guarded = <T extends object>(role: T, names: readonly string[]): T =>
    new Proxy(role, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function' || !names.includes(String(name))) return member;
        return (...args: unknown[]) =>
          writes++ < left ? member.apply(target, args) : Promise.reject(new Error('cut off'));
      },
    });
  return {
    ...store,
    persistence: guarded(store.persistence, ['save']),
    journal: guarded(store.journal, ['append']),
    results: guarded(store.results, ['write']),
    signals: guarded(store.signals, ['wait', 'send']),
  };
}
