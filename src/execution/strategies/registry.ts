import { FlatMachineError } from '../../errors.ts';
import type { JsonObject } from '../../types.ts';
import { defaultType } from './default.ts';
import type { ExecutionType, ExecutionTypeFactory } from './interfaces.ts';
import { mdapVotingType } from './mdap-voting.ts';
import { parallelType } from './parallel.ts';
import { retryType } from './retry.ts';

const types = new Map<string, ExecutionTypeFactory>([
  ['default', defaultType],
  ['retry', retryType],
  ['parallel', parallelType],
  ['mdap_voting', mdapVotingType],
]);

/** Every execution type by its name, those that were registered included. */
export const EXECUTION_TYPES: ReadonlyMap<string, ExecutionTypeFactory> = types;

/**
 * Adds an execution type, for all machines of this process: states name it as `execution: {type: NAME, …}`, and its factory is given that map.
 * @throws FlatMachineError `already-exists`
 */
export function registerExecutionType(name: string, factory: ExecutionTypeFactory): void {
  if (types.has(name)) {
    throw new FlatMachineError('already-exists', `an execution type "${name}" is registered already`);
  }
  types.set(name, factory);
}

/** Makes the execution type that a state asks for. @throws FlatMachineError `unknown-execution-type`; `usage` for options it cannot use */
export async function createExecutionType(execution: JsonObject & { type: string }): Promise<ExecutionType> {
  const factory = types.get(execution.type);
  if (factory !== undefined) return factory(execution);
  const names = [...types.keys()].join(', ');
  throw new FlatMachineError(
    'unknown-execution-type',
    `there is no execution type "${execution.type}"; there are: ${names}`,
  );
}
