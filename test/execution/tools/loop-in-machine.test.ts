import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExecutionEvent } from '../../../src/events.ts';
import { FlatMachine } from '../../../src/flatmachine.ts';
import type { JsonObject, JsonValue } from '../../../src/types.ts';
import { temporaryDirectory } from '../../helpers/cli.ts';
import { processesOf } from '../../helpers/leftovers.ts';
import { machineOf } from '../../helpers/machine.ts';

describe('a tool loop in a machine, in a slot of the local runner', () => {
  let cwd: string;
  let machine: FlatMachine;
  let events: ExecutionEvent[];
  beforeEach(() => {
    cwd = temporaryDirectory();
    events = [];
    const task = { name: 't', workspace: {}, tests: {}, verify: { cmd: 'true' } };
    writeFileSync(join(cwd, 'task.yml'), JSON.stringify(task));
  });
  afterEach(async () => {
    await machine.close();
    rmSync(cwd, { recursive: true, force: true });
  });

  const bash = (command: string) => ({ tool_calls: [{ tool: 'bash', arguments: { command } }] });

  /** A machine whose state `solve` is a tool loop over these answers. */
  async function load(answers: JsonValue[], solve: JsonObject = {}, settings: JsonObject = {}) {
    const data = {
      hooks: { name: 'rollout', args: { runner: 'local' } },
      settings,
      agents: { a: { type: 'script', config: { answers } } },
      context: { task: null, slot: null, out: null, seen: null },
      states: {
        load: {
          type: 'initial',
          action: 'load_task',
          input: { task: 'task.yml' },
          output_to_context: { task: 'output' },
          transitions: [{ to: 'acquire' }],
        },
        acquire: {
          action: 'acquire_slot',
          output_to_context: { slot: 'output' },
          transitions: [{ to: 'solve' }],
        },
        solve: {
          agent: 'a',
          tool_loop: true,
          output_to_context: { out: 'output' },
          transitions: [{ to: 'done' }],
          ...solve,
        },
        late: { type: 'final', output: { error: 'context.last_error_type' } },
        done: { type: 'final', output: { out: 'context.out' } },
      },
    };
    machine = await FlatMachine.load(machineOf(data as JsonObject), { cwd, backend: 'memory' });
    return machine.execute({}, { id: 'x', onEvent: (event) => void events.push(event) });
  }

  it('is ended by its state’s timeout, commands included, and on_error routes it', async () => {
    const result = await load([bash('echo a; sleep 60')], {
      timeout: 0.5,
      on_error: { TimeoutError: 'late' },
    });
    expect(result.output).toEqual({ error: 'TimeoutError' });
    const enter = events.find((event) => event.type === 'state_enter' && event.state === 'solve')!;
    const error = events.find(({ type }) => type === 'error')!;
    expect(Date.parse(error.time) - Date.parse(enter.time)).toBeLessThan(700);
    expect(processesOf(cwd)).toEqual([]);
  });

  it('is cancelled in mid-command and leaves nothing', async () => {
    const running = load([bash('sleep 60')]);
    while (!events.some(({ type }) => type === 'command_start')) await delay(10);
    await machine.backends.persistence.requestCancel('x');
    expect(await running).toMatchObject({ status: 'cancelled' });
    expect(processesOf(cwd)).toEqual([]);
    expect(await machine.backends.slots.slots()).toEqual([]);
  });

  it('parks at the machine’s budget of agent calls, in the middle', async () => {
    const result = await load([bash('true'), bash('true'), 'end'], {}, { max_agent_calls: 2 });
    expect(result).toMatchObject({ status: 'limit', state: 'solve' });
    expect(events.filter(({ type }) => type === 'tool_call')).toHaveLength(2);
  });

  it('takes the transition that becomes true in the middle', async () => {
    const transitions = [
      { condition: 'output.tool_calls >= 2 and output.stop == null', to: 'late' },
      { to: 'done' },
    ];
    const result = await load([bash('true'), bash('true'), 'never asked'], { transitions });
    expect(result).toMatchObject({ status: 'completed', state: 'late' });
    expect(events.filter(({ type }) => type === 'agent_call')).toHaveLength(2);
  });
});
