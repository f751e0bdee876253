import { spawnSync } from 'node:child_process';
import type { EnvironmentSpec, Runner } from '../../src/runners/interfaces.ts';
import { openRunner } from '../../src/runners/registry.ts';
import type { Availability } from './components.ts';
import { busyboxImage, dockerAvailability } from './docker.ts';

/** A runner, and what tests need to know to use it. */
export interface RunnerUnderTest {
  readonly name: 'local' | 'bubblewrap' | 'docker';
  readonly found: Availability;
  /** What a command line that uses it needs in its environment. */
  readonly env: Record<string, string>;
  /** The rollout machine's input, as JSON. */
  readonly input: string;
  /** @param stateDir a directory of the test's own */
  open(stateDir: string): Promise<Runner>;
  /** What to create, for the owner `test` unless another one is named. */
  spec(id: string, owner?: string): EnvironmentSpec;
}

/** Every runner there is. Those that cannot be used here say why in `found`. */
export const runnersUnderTest: readonly RunnerUnderTest[] = [
  runner('local', { available: true, detail: 'this machine' }),
  runner('bubblewrap', findBubblewrap()),
  runner('docker', dockerAvailability(), dockerAvailability().available ? await busyboxImage() : undefined),
];

function runner(name: RunnerUnderTest['name'], found: Availability, image?: string): RunnerUnderTest {
  const host = process.env.DOCKER_HOST;
  return {
    name,
    found,
    env: host === undefined ? {} : { DOCKER_HOST: host },
    input: JSON.stringify(image === undefined ? {} : { image }),
    open: async (stateDir) => openRunner(name, { stateDir }),
    spec: (id, owner = 'test') => ({
      id,
      labels: { flatmachine: '1', owner },
      ...(image === undefined ? {} : { image }),
    }),
  };
}

/** Whether a box really starts here: that the program is installed says little. */
function findBubblewrap(): Availability {
  const box = ['--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', 'true'];
  const { error, status, stderr } = spawnSync('bwrap', box, { encoding: 'utf8' });
  if (error !== undefined) return { available: false, detail: `bwrap cannot be started: ${error.message}` };
  return { available: status === 0, detail: status === 0 ? 'bwrap' : `bwrap: ${stderr.trim()}` };
}
