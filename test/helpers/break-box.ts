import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dockerApi } from './docker.ts';
import type { RunnerUnderTest } from './runners.ts';

/** Takes a living environment away as an accident would: nothing is told to whoever uses it. */
export async function breakBox(
  runner: Pick<RunnerUnderTest, 'name'>,
  { id, address }: { id: string; address: string },
): Promise<void> {
  switch (runner.name) {
    case 'local':
      rmSync(address, { recursive: true, force: true });
      return;
    case 'bubblewrap':
      killInits(id);
      return;
    case 'docker':
      await dockerApi(`/containers/${address}?force=1`, { method: 'DELETE' });
  }
}

/** Kills every bwrap of an environment; the first process of a box dies with it. */
function killInits(id: string): void {
  let killed = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [program, ...args] = commandLine(pid);
    if (!program?.endsWith('bwrap') || !args.some((arg) => arg.includes(id))) continue;
    process.kill(Number(pid), 'SIGKILL');
    killed++;
  }
  if (killed === 0) throw new Error(`no bwrap of ${id} runs`);
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  } catch {
    return []; // It has ended meanwhile.
  }
}
