import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import type { EventDraft } from '../../src/events.ts';
import type { ActionResult, MachineHooks, WorkCall } from '../../src/execution/interfaces.ts';
import type { Sandbox } from '../../src/execution/tools/interfaces.ts';
import { rolloutHooks } from '../../src/rollout/hooks.ts';
import { type JsonObject, systemClock } from '../../src/types.ts';
import type { RunnerUnderTest } from '../helpers/runners.ts';

/** An execution that holds a slot through the `rollout` hooks, without an engine around it. */
export interface SlotBench {
  backends: BackendSet;
  hooks: MachineHooks;
  context: JsonObject;
  events: EventDraft[];
  /** A piece of work of it. */
  call(workId: string, signal?: AbortSignal): WorkCall;
  sandbox(workId?: string, signal?: AbortSignal): Promise<Sandbox>;
  /** What another process that resumes the execution would have: hooks of its own over the same store. */
  another(): Promise<Pick<SlotBench, 'sandbox' | 'call' | 'events'> & { close(): Promise<void> }>;
  close(): Promise<void>;
}

/** Acquires a slot on the runner, for a task with nothing in it. */
export async function slotBench(under: RunnerUnderTest): Promise<SlotBench> {
  Object.assign(process.env, under.env);
  const dir = mkdtempSync(join(tmpdir(), 'slot-'));
  const backends = await openBackends('memory', {});
  const id = 'bench';
  await backends.locking.acquire(id);
  const fence = backends.locking.lease(id)!;
  const make = async () => {
    const events: EventDraft[] = [];
    const emit = (event: EventDraft) => void events.push(event);
    const hooks = await rolloutHooks()(
      {},
      {
        machineDir: dir,
        cwd: dir,
        stateDir: join(dir, 'state'),
        executionId: id,
        machineName: 'test',
        backends,
        clock: systemClock,
        options: { runner: under.name },
        emit,
      },
    );
    const call = (workId: string, signal = new AbortController().signal): WorkCall => ({
      state: 's',
      executionId: id,
      step: 1,
      workId,
      fence: { key: fence.key, token: fence.token },
      signal,
      deadline: null,
      emit,
    });
    return { events, hooks, call };
  };
  const { events, hooks, call } = await make();
  const act = async (action: string, input: JsonObject, context: JsonObject) => {
    const done = await hooks.onAction!(action, context, { ...call(`${id}.1`), action, input });
    return (done as ActionResult).output as JsonObject;
  };
  const task = {
    name: 't',
    workspace: {},
    tests: {},
    verify: { cmd: 'true' },
    ...(JSON.parse(under.input) as JsonObject),
  };
  writeFileSync(join(dir, 'task.yml'), JSON.stringify(task));
  const context: JsonObject = { task: await act('load_task', { task: 'task.yml' }, {}) };
  context.slot = await act('acquire_slot', {}, context);
  return {
    backends,
    hooks,
    context,
    events,
    call,
    sandbox: async (workId = `${id}.2`, signal) => hooks.sandbox!(context, call(workId, signal)),
    async another() {
      const other = await make();
      return {
        events: other.events,
        call: other.call,
        sandbox: async (workId = `${id}.2`, signal) =>
          other.hooks.sandbox!(context, other.call(workId, signal)),
        close: async () => other.hooks.close?.(),
      };
    },
    async close() {
      await hooks.onExecutionEnd?.(id, 'completed');
      await hooks.close?.();
      await backends.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
