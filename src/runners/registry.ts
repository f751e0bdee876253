import { FlatMachineError } from '../errors.ts';
import type { Runner, RunnerFactory, RunnerOptions } from './interfaces.ts';

/** Every runner there is, in the order in which `auto` tries them; each is loaded when it is asked for. */
const RUNNERS: Readonly<Record<string, () => Promise<{ default: RunnerFactory }>>> = {
  docker: () => import('./docker.ts'),
  bubblewrap: () => import('./bubblewrap.ts'),
  local: () => import('./local.ts'),
};

/** The names of the runners, in the order in which `auto` tries them. */
export const RUNNER_NAMES: readonly string[] = Object.keys(RUNNERS);

/**
 * Opens a runner by name. Nothing is started, and the tool behind it need not be there: ask {@link Runner.probe}.
 * @throws FlatMachineError `unknown-runner`
 */
export async function openRunner(name: string, options: RunnerOptions): Promise<Runner> {
  const load = Object.hasOwn(RUNNERS, name) ? RUNNERS[name] : undefined;
  if (load === undefined) {
    throw new FlatMachineError(
      'unknown-runner',
      `there is no runner ${JSON.stringify(name)}; there are ${RUNNER_NAMES.join(', ')}`,
    );
  }
  const { default: factory } = await load();
  return factory(options);
}
