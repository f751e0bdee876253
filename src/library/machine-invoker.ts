import { FlatMachineError } from '../errors.ts';
import { outcomeOf } from '../execution/children/outcome.ts';
import type { ExecutionResult } from '../execution/setup.ts';
import type { FlatMachine } from '../flatmachine.ts';
import { isJsonObject } from '../json.ts';
import { TERMINAL_STATUSES } from '../machine/snapshot.ts';
import type { JsonObject } from '../types.ts';
import type { RunHandle } from './run-handle.ts';

/** Runs peer machines by name (FlatAgents runtime 1.0.0 `MachineInvoker`). */
export interface MachineInvoker {
  /**
   * Runs a machine and waits for its result; one that is not a map comes under `value`.
   * @param options.timeout seconds; past it the execution is cancelled
   * @throws FlatMachineError `not-found` for a name that is not under `machines`; `timeout`; what the machine failed with; `child-failed` if it parks or stops
   */
  invoke(machineName: string, input: JsonObject, options?: { timeout?: number }): Promise<JsonObject>;
  /**
   * Starts a machine and does not wait for it; gives its execution's id once that is stored. Its result is at `flatagents://{id}/result`.
   * @throws FlatMachineError `not-found`, and what keeps it from being started
   */
  launch(machineName: string, input: JsonObject): Promise<string>;
}

/** The invoker of a machine's children. */
export class FlatMachineInvoker implements MachineInvoker {
  readonly #machine: FlatMachine;
  readonly #keep: (work: Promise<unknown>) => void;

  /** @param keep takes charge of what goes on after `launch` has returned */
  constructor(machine: FlatMachine, keep: (work: Promise<unknown>) => void) {
    this.#machine = machine;
    this.#keep = keep;
  }

  async invoke(
    machineName: string,
    input: JsonObject,
    { timeout }: { timeout?: number } = {},
  ): Promise<JsonObject> {
    const handle = this.#start(machineName, input);
    let late = false;
    const expire = () => {
      late = true;
      this.#keep(handle.cancel());
    };
    const timer = timeout === undefined ? undefined : setTimeout(expire, timeout * 1000);
    const result = await handle.result.finally(() => clearTimeout(timer));
    if (late && result.status === 'cancelled') {
      throw new FlatMachineError('timeout', `machine "${machineName}" ran past its timeout of ${timeout} s`);
    }
    return outputOf(machineName, result);
  }

  async launch(machineName: string, input: JsonObject): Promise<string> {
    const handle = this.#start(machineName, input);
    for await (const { type } of handle) if (type === 'execution_start') break;
    this.#keep(handle.result);
    return handle.id;
  }

  #start(name: string, input: JsonObject): RunHandle<ExecutionResult> {
    const child = this.#machine.at([name]);
    if (child !== null) return child.run(input);
    throw new FlatMachineError(
      'not-found',
      `machine "${this.#machine.machine.name}" has no machine "${name}"`,
    );
  }
}

function outputOf(machineName: string, result: ExecutionResult): JsonObject {
  if (!TERMINAL_STATUSES.has(result.status)) {
    const { execution_id: id, status } = result;
    throw new FlatMachineError('child-failed', `machine "${machineName}" has not ended: ${id} is ${status}`);
  }
  const { output, error } = outcomeOf(result);
  if (error !== undefined) throw error;
  return isJsonObject(output) ? output : { value: output };
}
