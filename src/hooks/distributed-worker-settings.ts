import { resolve } from 'node:path';
import { FlatMachineError } from '../errors.ts';
import type { HookEnvironment } from '../execution/interfaces.ts';
import { DEFAULT_HEARTBEAT } from '../execution/pool/worker-heartbeat.ts';
import type { JsonObject } from '../types.ts';
import { assertKnownArgs } from './args.ts';

/** The arguments of the `distributed-worker` hooks, with defaults filled in. */
export interface WorkerSettings {
  /** Seconds between heartbeats. Default 30. */
  readonly heartbeatInterval: number;
  /** Seconds until a claim runs out once the process has died. Default 60. */
  readonly lease: number;
  /** The machine that `spawn_workers` starts, absolute; null = the context names it. */
  readonly worker: string | null;
}

/** Reads the hooks' arguments. @throws FlatMachineError `hook-load` naming the argument */
export function workerSettings(
  args: JsonObject,
  { machineDir }: Pick<HookEnvironment, 'machineDir'>,
): WorkerSettings {
  assertKnownArgs('distributed-worker', args, ['heartbeat_interval', 'lease', 'worker']);
  const { worker } = args;
  if (worker !== undefined && typeof worker !== 'string') throw wrong('worker', 'the path of a machine');
  return {
    heartbeatInterval: seconds(args, 'heartbeat_interval', DEFAULT_HEARTBEAT),
    lease: seconds(args, 'lease', 60),
    worker: worker === undefined ? null : resolve(machineDir, worker),
  };
}

function seconds(args: JsonObject, name: string, fallback: number): number {
  const value = args[name] ?? fallback;
  if (typeof value === 'number' && value > 0) return value;
  throw wrong(name, 'a number of seconds above 0');
}

function wrong(name: string, wanted: string): FlatMachineError {
  return new FlatMachineError('hook-load', `distributed-worker: "${name}" must be ${wanted}`);
}
