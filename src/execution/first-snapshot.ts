import { toJson } from '../json.ts';
import type { MachineSnapshot } from '../machine/snapshot.ts';
import type { JsonObject } from '../types.ts';
import type { Held } from './hold.ts';
import { contextForHook, contextFromHook } from './hook-calls.ts';
import type { ExecutionSetup, ExecutionStart } from './setup.ts';
import { machineFacts } from './step-work.ts';

/** Record 0: what a new execution starts from, `onMachineStart` included. */
export async function firstSnapshot(
  setup: ExecutionSetup,
  { lease, recorder, hooks }: Held,
  { parentId, ...start }: ExecutionStart,
): Promise<MachineSnapshot> {
  const input = toJson(start.input, 'input') as JsonObject;
  const { machine, executionId, clock, options } = setup;
  const timeout = machine.states.get(machine.initial)?.timeout ?? null;
  const snapshot: MachineSnapshot = {
    execution_id: executionId,
    machine_name: machine.name,
    spec_version: machine.specVersion,
    current_state: machine.initial,
    context: machine.context({ context: {}, input, now: clock.now() }),
    step: 0,
    created_at: recorder.time(),
    event: 'machine_start',
    total_api_calls: 0,
    total_cost: 0,
    status: 'running',
    next_state: machine.initial,
    work_step: 1,
    input,
    config_hash: machine.configHash,
    epoch: lease?.token ?? 0,
    ...(timeout === null ? {} : { deadline: clock.now() + timeout * 1000 }),
    ...(parentId === undefined ? {} : { parent_execution_id: parentId }),
    ...(setup.parent === null ? {} : { depth: setup.parent.depth + 1 }),
    ...(machine.file === null ? {} : { machine_file: machine.file }),
    ...(machine.path.length === 0 ? {} : { machine_path: [...machine.path] }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
  if (hooks.machine.onMachineStart !== undefined) {
    const facts = machineFacts(machine, snapshot, machine.initial, 0);
    const returned = await hooks.machine.onMachineStart(contextForHook(snapshot.context, facts));
    if (returned !== undefined) snapshot.context = contextFromHook(returned, 'onMachineStart');
  }
  return snapshot;
}
