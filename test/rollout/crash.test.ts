import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CRASH_POINTS } from '../../src/crash-points.ts';
import { packageRoot } from '../../src/package-root.ts';
import { processesOf } from '../helpers/leftovers.ts';
import { run, type Workbench, workbench } from './workbench.ts';

const script = join(packageRoot(), 'node_modules', `.flatmachine-holder-${process.pid}.mjs`);
const POINTS = CRASH_POINTS.filter((point) => /^(environment|slot)\./.test(point));

/** Starts a holder; resolves with what it said once it holds its slot, or with null once it has died. */
function hold(dir: string, crashAt?: string) {
  const env = { ...process.env, ...(crashAt === undefined ? {} : { FLATMACHINE_CRASH_AT: crashAt }) };
  const child = spawn(process.execPath, [script, dir, 'dead'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.on('exit', (_, signal) => resolve(signal)),
  );
  const holds = new Promise<{ slot_id: string } | null>((resolve) => {
    child.stdout.once('data', (line: Buffer) => resolve(JSON.parse(String(line)) as { slot_id: string }));
    void ended.then(() => resolve(null));
  });
  return { child, ended, holds };
}

describe('a holder that is killed with -9', () => {
  let bench: Workbench;
  beforeAll(async () => {
    await build({
      entryPoints: [join(import.meta.dirname, 'holder.ts')],
      outfile: script,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'error',
    });
  });
  afterAll(() => rmSync(script, { force: true }));
  beforeEach(async () => {
    bench = await workbench('sqlite');
  });
  afterEach(() => bench.close());

  it('leaves its slot and what runs in it to whoever resumes', async () => {
    const { child, ended, holds } = hold(bench.dir);
    const said = await holds;
    child.kill('SIGKILL');
    await ended;
    expect((await bench.reap()).items).toEqual([]);
    const me = await bench.trajectory('dead');
    const held = await bench.pool().resume('dead', me.fence, said?.slot_id as string);
    expect((await run(held, 'cat file')).stdout).toBe('kept\n');
    await bench.pool().release('dead', me.fence, me.request().tell);
    expect(await bench.leftovers()).toEqual([]);
    expect(processesOf(bench.dir)).toEqual([]);
  });

  for (const point of POINTS) {
    const crash = async () => {
      const { child, ended } = hold(bench.dir, point);
      child.stdin.end();
      expect(await ended, `${point} was not passed`).toBe('SIGKILL');
    };

    it(`at ${point}: the same execution goes on, and nothing is left`, async () => {
      await crash();
      const me = await bench.trajectory('dead');
      const pool = bench.pool();
      const held = await pool.acquire(me.request());
      expect((await run(held, 'ls -A')).stdout).toBe('');
      expect(await bench.backends.slots.environments()).toHaveLength(1);
      await pool.release('dead', me.fence, me.request().tell, held.slot.token);
      expect(await bench.leftovers()).toEqual([]);
      expect(processesOf(bench.dir)).toEqual([]);
    });

    it(`at ${point}: a release goes on, and the reaper finds nothing more`, async () => {
      await crash();
      const me = await bench.trajectory('dead');
      await bench.pool().release('dead', me.fence, me.request().tell);
      await bench.backends.locking.release('dead');
      await bench.reap({ grace: 0 });
      expect(await bench.leftovers()).toEqual([]);
      expect(processesOf(bench.dir)).toEqual([]);
    });
  }
});
