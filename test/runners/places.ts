import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { extract } from 'tar-stream';
import type { RunnerPlace } from '../../src/conformance/index.ts';
import type { Environment, SnapshotReference } from '../../src/runners/interfaces.ts';
import { dockerApi } from '../helpers/docker.ts';
import { processesOf } from '../helpers/leftovers.ts';
import type { RunnerUnderTest } from '../helpers/runners.ts';

/** A runner with a state directory of its own. */
export interface TestPlace extends RunnerPlace {
  readonly stateDir: string;
  /** Removes what the runner still has, and the directory. @returns what had been left there */
  dispose(): Promise<string[]>;
}

/** Opens a runner in a new directory. */
export async function openPlace(under: RunnerUnderTest): Promise<TestPlace> {
  const stateDir = mkdtempSync(join(tmpdir(), 'flatmachine-place-'));
  const runner = await under.open(stateDir);
  const owner = stateDir.slice(tmpdir().length + 1).toLowerCase();
  return {
    stateDir,
    runner,
    reopen: () => under.open(stateDir),
    spec: (id) => under.spec(id, owner),
    killBox: (environment) => KILL_BOX[under.name](environment),
    filesIn: filesInArchive,
    note: (text) => console.log(`[${under.name}] ${text}`),
    async dispose() {
      const environments = await runner.list({ owner });
      for (const { id } of environments) await runner.destroy(id);
      // What was killed may still be on its way out.
      for (let n = 0; n < 20 && processesOf(stateDir).length > 0; n++) await sleep(100);
      const left = [...environments.map(({ id }) => `environment ${id}`), ...processesOf(stateDir)];
      rmSync(stateDir, { recursive: true, force: true });
      return left;
    },
  };
}

const KILL_BOX: Readonly<Record<RunnerUnderTest['name'], (environment: Environment) => Promise<void>>> = {
  async local({ address }) {
    rmSync(address, { recursive: true, force: true, maxRetries: 5 });
    killProcessesOf(address);
  },
  async bubblewrap({ address }) {
    killProcessesOf(address);
  },
  async docker({ address }) {
    await dockerApi(`/containers/${address}?force=1`, { method: 'DELETE' });
  },
};

function killProcessesOf(directory: string): void {
  for (const found of processesOf(directory)) {
    const pid = Number(/^process (\d+):/.exec(found)?.[1]);
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Paths of the files in a tar. */
async function filesInArchive({ reference }: SnapshotReference): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of createReadStream(reference).pipe(extract())) {
    if (entry.header.type === 'file') names.push(entry.header.name.replace(/^\.\//, ''));
    entry.resume();
  }
  return names;
}
