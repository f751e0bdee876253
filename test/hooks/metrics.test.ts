import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterEach, expect, it } from 'vitest';
import type { ActionCall } from '../../src/execution/interfaces.ts';
import { metricsHooks } from '../../src/hooks/metrics.ts';
import type { JsonObject } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';
import { hookEnvironment } from './environment.ts';
import { recordTelemetry } from './recording-telemetry.ts';

let telemetry = recordTelemetry();
afterEach(() => {
  telemetry.unregister();
  telemetry = recordTelemetry();
});

/** `name value attributes…` of what the hooks tell; the store's own are another test's. */
const measured = () =>
  telemetry.measurements
    .filter(({ name }) => name !== 'flatmachine.commit.duration')
    .map(
      ({ name, value, attributes }) =>
        `${name} ${name.endsWith('duration') ? 't' : value} ${Object.values(attributes).join(' ')}`,
    );

const failing: JsonObject = {
  hooks: ['metrics', 'test'],
  states: {
    a: { type: 'initial', action: 'x', on_error: 'b', transitions: [{ to: 'z' }] },
    b: { transitions: [{ to: 'z' }] },
    z: { type: 'final', output: {} },
  },
};
const trouble = {
  onAction: () => {
    throw new RangeError('no');
  },
};

it('counts steps, transitions and errors, and measures states', async () => {
  await (await load(failing, trouble)).execute();
  expect(measured()).toEqual([
    'flatmachine.state.duration t test a error',
    'flatmachine.errors 1 test a RangeError true',
    'flatmachine.steps 1 test a running',
    'flatmachine.state.duration t test b ok',
    'flatmachine.transitions 1 test b z',
    'flatmachine.steps 1 test b running',
    'flatmachine.state.duration t test z ok',
    'flatmachine.steps 1 test z completed',
    'flatmachine.executions 1 test completed',
  ]);
});

it('opens one span per execution and, in it, one per state, and ends each once', async () => {
  await (await load(failing, trouble)).execute({}, { id: 'e' });
  expect(telemetry.spans).toMatchObject([
    {
      name: 'execution test',
      parent: null,
      error: null,
      ended: true,
      attributes: {
        'flatmachine.execution_id': 'e',
        'flatmachine.status': 'completed',
        'flatmachine.resumed': false,
      },
    },
    {
      name: 'state a',
      parent: 'execution test',
      error: 'no',
      ended: true,
      attributes: { 'error.type': 'RangeError' },
    },
    {
      name: 'state b',
      parent: 'execution test',
      error: null,
      ended: true,
      attributes: { 'flatmachine.step': 2 },
    },
    { name: 'state z', parent: 'execution test', error: null, ended: true },
  ]);
});

it('marks a failed execution, and makes its instruments once per provider', async () => {
  const machine = await load(
    {
      hooks: ['metrics', 'test'],
      states: { a: { type: 'initial', action: 'x', transitions: [{ to: 'z' }] }, z: { type: 'final' } },
    },
    trouble,
  );
  await machine.execute();
  await machine.execute();
  expect(telemetry.spans.filter(({ name }) => name.startsWith('execution'))).toMatchObject([
    { error: 'the execution ended as failed' },
    { error: 'the execution ended as failed' },
  ]);
  expect(measured().filter((line) => line.startsWith('flatmachine.executions'))).toHaveLength(2);
  // Eight of the hooks, three of the store.
  expect(telemetry.instruments()).toBe(11);
});

it('counts calls of agents with what the provider reports, and tool calls', async () => {
  const machine = await load(
    { ...failing, hooks: ['metrics', 'test'] },
    {
      onAction: (_action: string, _context: JsonObject, call: ActionCall) => {
        const usage = { input_tokens: 7, output_tokens: 3, api_calls: 2 };
        call.emit({ type: 'agent_call', agent: 'writer', call: 'call.0', usage, cost: 0.5, duration_ms: 1 });
        call.emit({
          type: 'agent_call',
          agent: 'writer',
          call: 'call.1',
          duration_ms: 1,
          error_type: 'ServerError',
          // No counter can be raised by these.
          usage: { input_tokens: -7, output_tokens: -1, api_calls: -4 },
        });
        call.emit({
          type: 'tool_call',
          tool: 'bash',
          call: 'tool.0.0',
          call_id: 'c',
          arguments: {},
          is_error: true,
          duration_ms: 1,
          result: '',
        });
      },
    },
  );
  await machine.execute();
  expect(measured().filter((line) => /agent|tool/.test(line))).toEqual([
    'flatmachine.agent.calls 2 test a writer',
    'flatmachine.agent.tokens 7 test a writer input',
    'flatmachine.agent.tokens 3 test a writer output',
    'flatmachine.agent.cost 0.5 test a writer',
    'flatmachine.agent.calls 1 test a writer ServerError',
    'flatmachine.tool.calls 1 test a bash error',
  ]);
});

it('hangs the span of a child below the state that runs it', async () => {
  const machine = await load({
    hooks: 'metrics',
    machines: {
      child: {
        spec: 'flatmachine',
        spec_version: '1.0.0',
        data: { name: 'child', hooks: 'metrics', states: { only: { type: 'final', output: {} } } },
      },
    },
    states: { run: { type: 'initial', machine: 'child', transitions: [{ to: 'z' }] }, z: { type: 'final' } },
  });
  expect((await machine.execute()).status).toBe('completed');
  expect(telemetry.spans.map(({ name, parent }) => [name, parent])).toEqual([
    ['execution test', null],
    ['state run', 'execution test'],
    ['execution child', 'state run'],
    ['state only', 'execution child'],
    ['state z', 'execution test'],
  ]);
  expect(telemetry.spans.every(({ ended }) => ended)).toBe(true);
});

it('ends what is open when a run stops without an end', async () => {
  const { environment } = await hookEnvironment();
  const hooks = await metricsHooks({}, environment);
  const base = { time: '', execution_id: 'e-1', step: 1, state: 'a' };
  hooks.onEvent?.({ ...base, type: 'execution_start', machine: 'test', resumed: true, from_step: 0 });
  hooks.onEvent?.({ ...base, type: 'state_enter' });
  await hooks.close?.();
  expect(telemetry.spans).toMatchObject([
    { name: 'execution test', ended: true, error: 'the run stopped without an end' },
    { name: 'state a', ended: true },
  ]);
});

it('takes no arguments', async () => {
  const { environment } = await hookEnvironment();
  await expect(metricsHooks({ url: 'x' }, environment)).rejects.toMatchObject({ code: 'hook-load' });
});

it('says what to install where the package is missing', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fm-metrics-'));
  const outfile = join(dir, 'metrics.mjs');
  const entry = fileURLToPath(new URL('../../src/hooks/metrics.ts', import.meta.url));
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['@opentelemetry/api'],
  });
  const script = `import { metricsHooks } from ${JSON.stringify(pathToFileURL(outfile).href)};
    await metricsHooks({}, {}).catch(({ code, remedy }) => console.log(code, '|', remedy));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: dir,
  });
  expect(stdout).toBe('missing-package | Run `npm install @opentelemetry/api`.\n');
  rmSync(dir, { recursive: true });
});
