import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toError } from '../errors.ts';
import { STATE_DIR } from '../library/store-place.ts';
import { packageVersion } from '../package-root.ts';
import { chooseRunner } from '../rollout/choose-runner.ts';
import type { Runner, RunnerCapabilities } from '../runners/interfaces.ts';
import { openRunner, RUNNER_NAMES } from '../runners/registry.ts';
import { type DriverFinding, findDrivers } from './drivers.ts';
import { diagnoseStores, type StoreFinding } from './store-diagnosis.ts';

/** The oldest Node this package runs on. */
const OLDEST_NODE = 20;

/** Less free space than this is told as a fault, bytes. */
const LEAST_FREE = 100 * 1024 * 1024;

/** One thing that was looked at. */
export interface Check {
  name: string;
  ok: boolean;
  detail: string;
  /** What to do when it is not ok. */
  remedy: string | null;
}

/** What one runner can do here. */
export interface RunnerFinding
  extends Pick<RunnerCapabilities, 'isolation' | 'limits' | 'freeze' | 'network'> {
  name: string;
  available: boolean;
  detail: string;
  remedy: string | null;
}

/** What this machine can do. */
export interface Diagnosis {
  version: string;
  /** Executions can be kept, at least one runner works, and so does every store that was asked about. */
  ok: boolean;
  checks: Check[];
  drivers: DriverFinding[];
  /** Of the store that was asked about; several of a mixed one. */
  stores: StoreFinding[];
  runners: RunnerFinding[];
  /** What `--runner auto` picks for a machine that names no image. */
  auto: { runner: string | null; reason: string };
}

/**
 * Looks at everything this package needs, and leaves nothing behind.
 * @param store the URL of one that is to be opened too, as any command would; null = none
 */
export async function diagnose(store: string | null): Promise<Diagnosis> {
  const stateDir = join(process.cwd(), STATE_DIR);
  const open = async (name: string) => openRunner(name, { stateDir });
  const checks = [nodeVersion(), await sqlite(), await stateDirectory(stateDir)];
  const stores = store === null ? [] : await diagnoseStores(store);
  const runners = await Promise.all(RUNNER_NAMES.map(async (name) => finding(await open(name))));
  return {
    version: packageVersion(),
    ok: [...checks, ...stores].every(({ ok }) => ok) && runners.some(({ available }) => available),
    checks,
    drivers: findDrivers(),
    stores,
    runners,
    auto: await automatic(open),
  };
}

function nodeVersion(): Check {
  const ok = Number(process.versions.node.split('.')[0]) >= OLDEST_NODE;
  const remedy = ok ? null : `Install Node ${OLDEST_NODE} or later.`;
  return { name: 'node', ok, detail: `${process.version} on ${process.platform} ${process.arch}`, remedy };
}

async function sqlite(): Promise<Check> {
  try {
    const { sqliteVersion } = await import('../backends/sqlite/version.ts');
    return { name: 'better-sqlite3', ok: true, detail: await sqliteVersion(), remedy: null };
  } catch (thrown) {
    const remedy = 'Run `npm rebuild better-sqlite3`; npm must be allowed to run its install script.';
    return { name: 'better-sqlite3', ok: false, detail: toError(thrown).message, remedy };
  }
}

async function stateDirectory(dir: string): Promise<Check> {
  const name = 'state directory';
  try {
    const made = await mkdir(dir, { recursive: true });
    const probe = join(dir, `.doctor-${process.pid}`);
    await writeFile(probe, '').finally(() => rm(probe, { force: true }));
    if (made !== undefined) await rm(dir, { recursive: true });
    const { bavail, bsize } = await statfs(dirname(dir));
    const free = bavail * bsize;
    const detail = `${dir} can be written; ${(free / 1024 ** 3).toFixed(1)} GiB free`;
    const ok = free >= LEAST_FREE;
    return { name, ok, detail, remedy: ok ? null : 'Make room on that file system.' };
  } catch (thrown) {
    const remedy = 'Work in a directory that you may write to.';
    return { name, ok: false, detail: toError(thrown).message, remedy };
  }
}

async function finding(runner: Runner): Promise<RunnerFinding> {
  const { name, capabilities } = runner;
  const { isolation, limits, freeze, network } = capabilities;
  const { available, detail, remedy } = await runner.probe();
  return { name, available, detail, remedy: remedy ?? null, isolation, limits, freeze, network };
}

async function automatic(open: (name: string) => Promise<Runner>): Promise<Diagnosis['auto']> {
  try {
    const { name } = await chooseRunner(open, RUNNER_NAMES, null);
    return { runner: name, reason: 'the first in the order of preference that works here without an image' };
  } catch (thrown) {
    return { runner: null, reason: toError(thrown).message };
  }
}
