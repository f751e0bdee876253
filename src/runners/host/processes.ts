import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FlatMachineError } from '../../errors.ts';

/** How long processes may take to die. */
const PATIENCE_MS = 10_000;

/** A process of this host, safe against the reuse of its number. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in clock ticks since boot. */
  started: string;
}

interface Stat extends ProcessIdentity {
  parent: number;
  hasTerminal: boolean;
}

/** The process with this number, or null when there is none or it is a zombie. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const stat = await statOf(pid);
  return stat && { pid: stat.pid, started: stat.started };
}

/** Whether that very process still runs. */
export async function isAlive({ pid, started }: ProcessIdentity): Promise<boolean> {
  return (await statOf(pid))?.started === started;
}

/**
 * Kills every process that has `marker` in its environment or works below `directory`, and all their descendants, until
 * none is left.
 * @throws FlatMachineError `supervisor` when some do not die
 */
export async function killMarked(marker: string, directory: string): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let round = 0; ; round++) {
    const found = await findMarked(marker, directory);
    if (found.length === 0) return;
    if (performance.now() > giveUpAt) {
      throw new FlatMachineError('supervisor', `processes ${found.join(', ')} do not die`);
    }
    // stopped first, so that none can fork away while the others are killed
    for (const pid of found) signal(pid, 'SIGSTOP');
    for (const pid of round === 0 ? await findMarked(marker, directory) : found) signal(pid, 'SIGKILL');
    await sleep(Math.min(100, 2 * 2 ** round));
  }
}

async function findMarked(marker: string, directory: string): Promise<number[]> {
  const names = await readdir('/proc');
  const stats = (
    await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => statOf(Number(name))))
  ).filter((stat): stat is Stat => stat !== null && stat.pid !== process.pid && stat.pid !== 1);
  const marked = new Set<number>();
  await Promise.all(
    stats.map(async ({ pid, hasTerminal }) => {
      // a person's shell may stand in the directory; commands have no terminal
      if ((await carries(pid, marker)) || (!hasTerminal && (await worksBelow(pid, directory))))
        marked.add(pid);
    }),
  );
  marked.delete(process.pid);
  for (let before = -1; before !== marked.size; ) {
    before = marked.size;
    for (const { pid, parent } of stats) if (marked.has(parent)) marked.add(pid);
  }
  return [...marked];
}

async function carries(pid: number, marker: string): Promise<boolean> {
  const environ = await readFile(`/proc/${pid}/environ`).catch(() => null);
  return (
    environ?.includes(`\0FLATMACHINE_ENVIRONMENT=${marker}\0`) ||
    environ?.indexOf(`FLATMACHINE_ENVIRONMENT=${marker}\0`) === 0
  );
}

async function worksBelow(pid: number, directory: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
  return cwd === directory || cwd.startsWith(`${directory}/`);
}

async function statOf(pid: number): Promise<Stat | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  if (text === null) return null;
  // the name before it may hold anything, parentheses too
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', parent = '0', , , terminal] = fields;
  if (state === 'Z' || state === 'X') return null;
  return { pid, parent: Number(parent), hasTerminal: terminal !== '0', started: fields[19] ?? '' };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}
