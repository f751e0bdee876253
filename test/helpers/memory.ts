import { readFileSync } from 'node:fs';
import type { RunningCli } from './cli.ts';

/** How often it is looked, milliseconds. */
const LOOK_MS = 50;

/** Watches the most memory that a started command line has held. @returns MiB, once it has ended */
export async function peakMemory({ child, ended }: RunningCli): Promise<number> {
  let peak = 0;
  const look = () => {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(statusOf(child.pid))?.[1];
    if (kib !== undefined) peak = Number(kib) / 1024;
  };
  const timer = setInterval(look, LOOK_MS);
  await ended.finally(() => clearInterval(timer));
  return peak;
}

function statusOf(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return ''; // It has ended meanwhile.
  }
}
