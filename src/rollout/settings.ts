import type { ResourceLimits } from '../runners/interfaces.ts';
import type { JsonObject } from '../types.ts';
import { Fields } from './fields.ts';

/** The arguments of the `rollout` hooks in a machine file, with defaults filled in. */
export interface RolloutSettings {
  /** A runner's name, or `auto`. */
  readonly runner: string;
  readonly image: string | null;
  readonly network: 'none' | 'host' | 'bridge' | null;
  readonly limits: ResourceLimits | null;
  readonly slotsPerEnvironment: number;
  /** Environments that stay although idle. */
  readonly min: number;
  readonly max: number;
  /** Seconds. */
  readonly acquireTimeout: number;
  /** Task when the run's input names none; relative to the machine file. */
  readonly task: string | null;
  /** Agent when the run's input names none. */
  readonly agent: string | null;
}

const WHERE = 'arguments of the hooks "rollout"';
const KNOWN = [
  'runner',
  'image',
  'network',
  'limits',
  'slots_per_environment',
  'min',
  'max',
  'acquire_timeout',
  'task',
  'agent',
] as const;

/** Reads the hooks' arguments. @throws FlatMachineError `usage` naming the field */
export function rolloutSettings(args: JsonObject): RolloutSettings {
  const fields = new Fields(args, WHERE, 'usage', KNOWN);
  return {
    runner: fields.string('runner', 'auto'),
    image: fields.string('image') ?? null,
    network: fields.oneOf('network', ['none', 'host', 'bridge'] as const) ?? null,
    limits: fields.get('limits') === undefined ? null : limits(fields),
    slotsPerEnvironment: fields.whole('slots_per_environment', 1, 1),
    min: fields.whole('min', 0, 0),
    max: fields.whole('max', 4, 1),
    acquireTimeout: fields.positive('acquire_timeout', 300),
    task: fields.string('task') ?? null,
    agent: fields.string('agent') ?? null,
  };
}

function limits(fields: Fields): ResourceLimits {
  const given = new Fields(fields.get('limits'), `${WHERE}: limits`, 'usage', ['memory', 'cpus', 'pids']);
  const result: ResourceLimits = {};
  for (const name of ['memory', 'cpus', 'pids'] as const) {
    const value = given.positive(name);
    if (value !== undefined) result[name] = value;
  }
  return result;
}
