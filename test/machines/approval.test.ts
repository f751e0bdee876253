import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { SignalDispatcher } from '../../src/execution/dispatcher.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import { packageRoot } from '../../src/package-root.ts';
import { type JsonValue, systemClock } from '../../src/types.ts';
import { cli, temporaryDirectory } from '../helpers/cli.ts';
import { memory } from '../helpers/machine.ts';

const FILE = join(packageRoot(), 'machines', 'approval.yml');
const DAY_MS = 86_400_000;

interface Desk {
  backends: BackendSet;
  /** Lets so many days pass and resumes what is ready. */
  pass(days: number): Promise<void>;
  standing(): Promise<{ status?: string; state?: string | null; output?: JsonValue | undefined }>;
}

/** A request that waits for its approval, with a clock that can be moved. */
async function desk(): Promise<Desk> {
  const backends = await memory();
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead, monotonic: () => systemClock.monotonic() + ahead };
  const machine = await FlatMachine.load(FILE, { backend: backends, clock });
  const asked = await machine.execute({ request: 'publish', changes: ['a', 'b'] }, { id: 'r1' });
  expect(asked).toMatchObject({ status: 'waiting', state: 'ask', context: { channel: 'approvals/r1' } });
  const dispatcher = new SignalDispatcher({
    backends,
    clock,
    resume: (id) => machine.resume(id, { retry: false }),
  });
  return {
    backends,
    pass: async (days) => {
      ahead += days * DAY_MS;
      expect((await dispatcher.once()).failed).toBe(0);
    },
    standing: async () => {
      const last = await backends.persistence.latest('r1');
      return { status: last?.status ?? 'none', state: last?.next_state ?? null, output: last?.output };
    },
  };
}

describe('approval.yml', () => {
  it('goes on when somebody approves', async () => {
    const { backends, pass, standing } = await desk();
    await pass(0.9);
    expect(await standing()).toMatchObject({ status: 'waiting', state: 'ask' });
    await backends.signals.send('approvals/r1', { approved: true, by: 'ada' });
    await pass(0);
    expect(await standing()).toMatchObject({
      status: 'completed',
      output: { approved: true, by: 'ada', summary: 'publish: 2 changes\n- a\n- b' },
    });
  });

  it('ends when somebody refuses, or says something else', async () => {
    for (const said of [
      { approved: false, by: 'bob', reason: 'not today' },
      { approved: 'yes' },
      true,
      null,
    ]) {
      const { backends, pass, standing } = await desk();
      await backends.signals.send('approvals/r1', said);
      await pass(0);
      expect(await standing()).toMatchObject({ status: 'completed', output: { approved: false } });
    }
  });

  it('asks somebody else after a day, and gives up after two', async () => {
    const { backends, pass, standing } = await desk();
    await pass(1.1);
    expect(await standing()).toMatchObject({ status: 'waiting', state: 'escalate' });
    expect(await backends.signals.waits()).toMatchObject([{ channel: 'escalations/r1' }]);
    await backends.signals.send('approvals/r1', { approved: true, by: 'too late' });
    await pass(0.5);
    expect(await standing()).toMatchObject({ status: 'waiting', state: 'escalate' });
    await pass(0.6);
    expect(await standing()).toMatchObject({
      status: 'completed',
      output: { approved: false, reason: 'nobody answered' },
    });
  });

  it('is approved on the command line', async () => {
    const cwd = temporaryDirectory();
    const at = (...args: string[]) => cli(args, { cwd });
    expect((await at('run', FILE, '--id', 'release-7', '--input', '{"request":"publish"}')).code).toBe(4);
    await at('signal', 'approvals/release-7', '{"approved":true,"by":"ada"}');
    expect((await at('worker', '--signals', '--once')).code).toBe(0);
    expect(JSON.parse((await at('resume', 'release-7')).stdout)).toMatchObject({ approved: true, by: 'ada' });
    rmSync(cwd, { recursive: true });
  });
});
