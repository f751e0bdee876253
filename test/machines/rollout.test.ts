import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ExecutionEvent } from '../../src/events.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import { packageRoot } from '../../src/package-root.ts';
import { homeOf } from '../../src/rollout/identity.ts';
import { openRunner } from '../../src/runners/registry.ts';
import type { JsonObject } from '../../src/types.ts';
import { temporaryDirectory } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { processesOf } from '../helpers/leftovers.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

const file = join(packageRoot(), 'machines', 'rollout.yml');

for (const { name, found, env, input: given } of runnersUnderTest) {
  describeWith(name, `machines/rollout.yml on ${name}`, found, () => {
    const base = JSON.parse(given) as JsonObject;
    let cwd: string;
    let machine: FlatMachine;
    let events: ExecutionEvent[];

    beforeEach(async () => {
      Object.assign(process.env, env);
      cwd = temporaryDirectory();
      events = [];
      machine = await FlatMachine.load(file, { cwd, backendOptions: { durability: 'process-crash' } });
    });
    afterEach(async () => {
      await machine.close();
      rmSync(cwd, { recursive: true, force: true });
    });

    const execute = async (input: JsonObject, id = 'r') => {
      const onEvent = (event: ExecutionEvent) => void events.push(event);
      const result = await machine.execute({ ...base, ...input }, { id, runner: name, onEvent });
      expect(result.error).toBeNull();
      expect(result.status).toBe('completed');
      return result.output as JsonObject;
    };

    const runner = () => openRunner(name, { stateDir: join(cwd, '.flatmachine') });

    const nothingLeft = async () => {
      expect(await machine.backends.slots.environments()).toEqual([]);
      expect(await machine.backends.slots.slots()).toEqual([]);
      expect(await (await runner()).list({ home: homeOf(join(cwd, '.flatmachine')) })).toEqual([]);
      expect(processesOf(cwd)).toEqual([]);
    };

    const journal = (lines: number) =>
      expect.arrayContaining(
        Array.from({ length: lines }, (_, n) => expect.stringMatching(`^turn ${n + 1}:`)),
      );

    it('the solving agent earns its reward', async () => {
      const output = await execute({});
      expect(output).toMatchObject({
        reward: 1,
        outcome: 'ok',
        blame: null,
        trainable: true,
        error: null,
        task: 'sales-report',
        agent: 'solve',
        turns: 6,
        runner: name,
        trace: journal(6),
      });
      expect(output.trace).toHaveLength(6);
      const { capabilities } = await runner();
      expect(output.isolation).toBe(capabilities.isolation);
      expect(output.snapshot === null).toBe(capabilities.freeze.length === 0);
      for (const time of Object.values(output.timings as JsonObject)) expect(time).toBeTypeOf('number');
      const ended = events.filter((event) => event.type === 'command_end');
      expect(new Set(ended.map(({ exec_id }) => exec_id)).size).toBe(9);
      await nothingLeft();
    });

    it('the failing agent gets none, and is to blame: bending the tests it can see does not help', async () => {
      expect(await execute({ agent: 'give-up' })).toMatchObject({
        reward: 0,
        outcome: 'nonzero',
        blame: 'policy',
        trainable: true,
        turns: 3,
      });
      await nothingLeft();
    });

    it('the hanging agent is cut off, its daemons are dead and the slot is back', async () => {
      const output = await execute({ agent: 'hang' });
      expect(output).toMatchObject({
        reward: 0,
        outcome: 'timeout',
        blame: 'policy',
        trainable: true,
        turns: 2,
      });
      expect(output.trace).toEqual(['turn 1: run the test', 'turn 2: watch and wait']);
      await nothingLeft();
    });

    it('a box that is lost in mid-command is nobody’s zero', async () => {
      const running = execute({ agent: 'hang' });
      while (!events.some((e) => e.type === 'command_start' && e.command.includes('tail -f')))
        await delay(20);
      const [record] = await machine.backends.slots.environments();
      await (await runner()).destroy(record?.environment_id as string);
      expect(await running).toMatchObject({
        reward: null,
        outcome: 'sandbox_lost',
        blame: 'infra',
        trainable: false,
      });
      await nothingLeft();
    });

    it('a verifier that cannot run, or does not end, is the grader’s fault', async () => {
      const task = (verify: string) => {
        const path = join(cwd, 'task.yml');
        const agents = 'agents: { solve: [{ cmd: "true" }] }';
        writeFileSync(path, `name: t\n${agents}\nworkspace: {}\ntests: {}\nverify: ${verify}\n`);
        return 'task.yml';
      };
      const grader = { reward: null, blame: 'grader', trainable: false };
      expect(await execute({ task: task('{ cmd: /no/such/verifier }') }, 'a')).toMatchObject({
        ...grader,
        outcome: 'nonzero',
      });
      expect(await execute({ task: task('{ cmd: sleep 60, timeout: 1 }') }, 'b')).toMatchObject({
        ...grader,
        outcome: 'timeout',
      });
      expect(await execute({ task: task('{ cmd: "exit 3" }') }, 'c')).toMatchObject({
        reward: 0,
        blame: 'policy',
      });
    });

    it('hidden tests are out of the agent’s reach, links and daemons included', async () => {
      mkdirSync(join(cwd, 'task', 'tests'), { recursive: true });
      const cmd = [
        'for d in tests .tests .verify; do ln -s /tmp $d; done',
        '( ( while :; do for t in .verify-*/t.sh; do [ -f "$t" ] && echo exit 0 > "$t"; done; done ) >/dev/null 2>&1 & )',
      ].join('\n');
      writeFileSync(
        join(cwd, 'task', 'task.yml'),
        JSON.stringify({
          name: 't',
          agents: { solve: [{ cmd }] },
          workspace: {},
          verify: { cmd: 'sh "$TESTS/t.sh"' },
        }),
      );
      writeFileSync(join(cwd, 'task', 'tests', 't.sh'), 'sleep 0.3\ntest -e solved\n');
      expect(await execute({ task: 'task' })).toMatchObject({ reward: 0, outcome: 'nonzero' });
      await nothingLeft();
    });

    it('what is interrupted in mid-command goes on with that command', async () => {
      const stop = new AbortController();
      const task = join(cwd, 'slow.yml');
      const turns = [{ cmd: 'echo begun >> log; sleep 2; echo ended >> log' }, { cmd: 'echo second >> log' }];
      const verify = { cmd: 'test "$(cat log)" = "$(printf "begun\\nended\\nsecond")"' };
      writeFileSync(
        task,
        JSON.stringify({
          name: 's',
          agents: { solve: turns },
          workspace: {},
          tests: {},
          trace: 'log',
          verify,
        }),
      );
      const onEvent = (event: ExecutionEvent) => {
        events.push(event);
        if (event.type === 'command_start') stop.abort();
      };
      const first = await machine.execute(
        { ...base, task },
        { id: 'i', runner: name, onEvent, signal: stop.signal },
      );
      expect(first.status).toBe('interrupted');
      const again = await FlatMachine.load(file, { cwd });
      const result = await again.resume('i', { onEvent: (event) => void events.push(event) });
      expect(result.output).toMatchObject({ reward: 1, trace: ['begun', 'ended', 'second'] });
      const starts = events.flatMap((event) => (event.type === 'command_start' ? [event] : []));
      expect(starts[1]).toMatchObject({ exec_id: starts[0]?.exec_id, joined: true });
      await again.close();
      await nothingLeft();
    });

    it('what is cancelled in mid-command leaves nothing', async () => {
      const running = machine.execute(
        { ...base, agent: 'hang' },
        { id: 'c', runner: name, onEvent: (event) => void events.push(event) },
      );
      while (!events.some((e) => e.type === 'command_start' && e.command.includes('tail -f')))
        await delay(20);
      await machine.backends.persistence.requestCancel('c');
      expect(await running).toMatchObject({ status: 'cancelled' });
      await nothingLeft();
    });

    it('what is wrong with the input is said before anything is made', async () => {
      const failed = await machine.execute({ ...base, task: 'nowhere' }, { id: 'x', runner: name });
      expect(failed).toMatchObject({ status: 'failed', error: { code: 'file-not-found' } });
      expect(failed.error?.message).toContain(join(cwd, 'nowhere'));
      const nobody = await machine.execute({ ...base, agent: '../../x' }, { id: 'y', runner: name });
      expect(nobody).toMatchObject({ status: 'failed', error: { code: 'usage' } });
      await nothingLeft();
    });

    it('the snapshot holds what the agent left', async () => {
      const { snapshot } = await execute({});
      if (typeof snapshot === 'string' && snapshot.startsWith('/') && existsSync(snapshot)) {
        expect(readFileSync(snapshot).byteLength).toBeGreaterThan(0);
      }
    });
  });
}
