import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemClock } from '../types.ts';

/** A process, told apart from every other one that this or another boot of the machine has had under its id. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /** Of the running kernel; null where the system does not tell. */
  boot: string | null;
  /** Process ids mean something only within one of these. */
  pid_namespace: string | null;
  /** Ticks from boot to the start of the process; null where the system does not tell. */
  started: string | null;
}

/** This process. */
export const thisProcess: ProcessIdentity = {
  pid: process.pid,
  host: hostname(),
  boot: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
  pid_namespace: attempt(() => readlinkSync('/proc/self/ns/pid')),
  started: readStat(process.pid)?.started ?? null,
};

/**
 * Milliseconds on the clock that leases are stored in: monotonic and shared by the processes of one boot, so that
 * a jump of the wall clock neither kills nor prolongs a lease. Where the boot cannot be told from the last one (not
 * Linux) it is the wall clock, since a monotonic time from before a reboot would mean nothing.
 */
export const leaseClock: () => number = thisProcess.boot === null ? systemClock.now : systemClock.monotonic;

/**
 * Whether that process is certainly dead. False when it cannot be seen from here: then only its lease can run out.
 *
 * Another boot means dead, not another machine: a SQLite file in WAL mode is shared memory and cannot be shared between kernels.
 */
export function isDead(holder: ProcessIdentity): boolean {
  if (holder.boot !== thisProcess.boot) return true;
  if (holder.pid_namespace === null || holder.pid_namespace !== thisProcess.pid_namespace) return false;
  if (!pidExists(holder.pid)) return true;
  const stat = readStat(holder.pid);
  if (stat === null) return false;
  return stat.started !== holder.started || stat.state === 'Z' || stat.state === 'X';
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Fields 3 and 22 of /proc/PID/stat; the name before them may hold anything, parentheses included. */
function readStat(pid: number): { state: string; started: string } | null {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', started: fields[19] ?? '' };
}

/** What the system tells, or null where it does not. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
