import { FlatMachineError } from '../errors.ts';
import type { Runner } from '../runners/interfaces.ts';
import type { PoolSpec } from './identity.ts';
import type { OpenRunner } from './release.ts';

/**
 * The runner that `auto` stands for: the first of `names` that works on this machine. One that makes its environments from images is
 * considered only when an image is named, since none is ever fetched unasked.
 * @param names in order of preference
 * @throws FlatMachineError `runner-unavailable` saying what each one lacks
 */
export async function chooseRunner(
  open: OpenRunner,
  names: readonly string[],
  image: string | null,
): Promise<Runner> {
  const reasons: string[] = [];
  for (const name of names) {
    const runner = await open(name);
    if (runner.capabilities.images && image === null) {
      reasons.push(`${name}: needs an image`);
      continue;
    }
    if (!runner.capabilities.images && image !== null) {
      reasons.push(`${name}: cannot use the image ${image}`);
      continue;
    }
    const { available, detail } = await runner.probe();
    if (available) return runner;
    reasons.push(`${name}: ${detail}`);
  }
  throw new FlatMachineError('runner-unavailable', `no runner can be used here: ${reasons.join('; ')}`);
}

/**
 * Checks what is asked of an environment against what the runner can do, so that nothing is silently left out.
 * @throws FlatMachineError `capability` · `usage` when the runner needs an image and none is named
 */
export function assertCapable(runner: Runner, spec: PoolSpec): void {
  const { images, network, limits } = runner.capabilities;
  if (images && spec.image === undefined) {
    throw new FlatMachineError(
      'usage',
      `the runner ${runner.name} makes its environments from an image: name one`,
      {
        remedy: 'Give `image` in the run’s input, in the task, or in the arguments of the hooks.',
      },
    );
  }
  const missing: string[] = [];
  if (spec.image !== undefined && !images) missing.push(`the image ${spec.image}`);
  if (spec.network !== undefined && !network.includes(spec.network)) missing.push(`network: ${spec.network}`);
  for (const limit of ['memory', 'cpus', 'pids'] as const) {
    if (spec.limits?.[limit] !== undefined && !limits.includes(limit)) missing.push(`a limit on ${limit}`);
  }
  if (missing.length === 0) return;
  throw new FlatMachineError('capability', `the runner ${runner.name} cannot do ${missing.join(', ')}`, {
    details: { runner: runner.name, missing },
  });
}
