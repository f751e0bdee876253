import { rmSync } from 'node:fs';
import { join } from 'node:path';
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

const file = join(packageRoot(), 'machines', 'swe-agent.yml');

for (const { name, found, env, input: given } of runnersUnderTest) {
  describeWith(name, `machines/swe-agent.yml on ${name}`, found, () => {
    let cwd: string;
    let machine: FlatMachine;
    const events: ExecutionEvent[] = [];

    beforeEach(async () => {
      Object.assign(process.env, env);
      cwd = temporaryDirectory();
      events.length = 0;
      machine = await FlatMachine.load(file, { cwd, backendOptions: { durability: 'process-crash' } });
    });
    afterEach(async () => {
      await machine.close();
      rmSync(cwd, { recursive: true, force: true });
    });

    it('solves the shipped task through tool calls, offline', async () => {
      const onEvent = (event: ExecutionEvent) => void events.push(event);
      const result = await machine.execute(JSON.parse(given) as JsonObject, {
        id: 'r',
        runner: name,
        onEvent,
      });
      expect(result.error).toBeNull();
      expect(result.output).toMatchObject({
        reward: 1,
        outcome: 'ok',
        blame: null,
        trainable: true,
        task: 'latest-tag',
        model: null,
        turns: 7,
        tool_calls: 11,
        stop: 'answer',
        answer: expect.stringContaining('number by number'),
        runner: name,
      });
      expect(await machine.backends.slots.slots()).toEqual([]);
      const runner = await openRunner(name, { stateDir: join(cwd, '.flatmachine') });
      expect(await runner.list({ home: homeOf(join(cwd, '.flatmachine')) })).toEqual([]);
      expect(processesOf(cwd)).toEqual([]);
    });

    it('is interrupted in the middle, and goes on where it was', async () => {
      const stop = new AbortController();
      const onEvent = (event: ExecutionEvent) => {
        events.push(event);
        if (event.type === 'tool_call' && event.call === 'tool.3.0') stop.abort();
      };
      const input = JSON.parse(given) as JsonObject;
      const first = await machine.execute(input, { id: 'i', runner: name, onEvent, signal: stop.signal });
      expect(first).toMatchObject({ status: 'interrupted', state: 'replay' });
      const again = await FlatMachine.load(file, { cwd });
      const result = await again.resume('i', { onEvent: (event) => void events.push(event) });
      await again.close();
      expect(result.output).toMatchObject({ reward: 1, turns: 7, tool_calls: 11 });
      const ended = events.flatMap((event) => (event.type === 'command_end' ? [event.exec_id] : []));
      expect(ended).toHaveLength(new Set(ended).size);
      expect(ended.filter((id) => id.includes('.tool.'))).toHaveLength(5);
      const stored = (await machine.backends.persistence.history('i')).flatMap((record) => record.events);
      const calls = stored.flatMap((event) => (event.type === 'tool_call' ? [event.call] : []));
      expect(calls).toHaveLength(11);
      expect(new Set(calls).size).toBe(11);
    });

    it('keeps the whole trajectory with the step', async () => {
      await machine.execute(JSON.parse(given) as JsonObject, { id: 'r', runner: name });
      const history = await machine.backends.persistence.history('r');
      const stored = history.find(({ snapshot }) => snapshot.current_state === 'replay')!.events;
      const turns = stored.filter(({ type }) => type === 'agent_call');
      expect(turns).toHaveLength(7);
      const calls = stored.flatMap((event) => (event.type === 'tool_call' ? [event] : []));
      expect(calls.map(({ tool, call, is_error }) => `${call} ${tool}${is_error ? ' failed' : ''}`)).toEqual([
        'tool.0.0 bash',
        'tool.0.1 bash',
        'tool.1.0 read_file',
        'tool.1.1 read_file',
        'tool.2.0 edit_file failed',
        'tool.3.0 edit_file',
        'tool.3.1 bash',
        'tool.4.0 bash',
        'tool.5.0 edit_file',
        'tool.5.1 write_file',
        'tool.5.2 bash',
      ]);
      expect(calls[3]!.result).toContain('best == ""');
      expect(calls[10]!.result).not.toContain('FAILED');
    });
  });
}
