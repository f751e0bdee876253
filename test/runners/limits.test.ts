import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RunnerBench } from '../../src/conformance/index.ts';
import type { SlotUnderTest } from '../../src/conformance/runners/bench.ts';
import type { ResourceLimits } from '../../src/runners/interfaces.ts';
import { temporaryDirectory } from '../helpers/cli.ts';
import { type Availability, describeWith } from '../helpers/components.ts';
import { dockerApi } from '../helpers/docker.ts';
import { runnersUnderTest } from '../helpers/runners.ts';
import { openPlace, type TestPlace } from './places.ts';

/** A fork bomb has to be over by then, milliseconds. */
const BOMB_OVER = 45_000;

for (const under of runnersUnderTest) {
  if (under.name !== 'docker') continue;
  describeWith(under.name, 'limits of a container', under.found, () => {
    let place: TestPlace;
    let bench: RunnerBench;
    beforeAll(async () => {
      place = await openPlace(under);
      bench = new RunnerBench(place);
    });
    afterAll(async () => {
      await bench.close();
      expect(await place.dispose(), 'nothing is left').toEqual([]);
    });

    async function limited(limits: ResourceLimits): Promise<SlotUnderTest> {
      const spec = { ...place.spec(bench.freshId()), limits };
      return bench.slot(bench.keep(await place.runner.create(spec)));
    }

    it('a fork bomb ends at its timeout, and the slot can be used again', { timeout: 120_000 }, async () => {
      const slot = await limited({ pids: 64 });
      const started = performance.now();
      const result = await slot.exec({
        cmd: 'echo lit; bomb() { bomb | bomb & }; bomb; sleep 60',
        timeout: 2,
      });
      const took = performance.now() - started;
      console.log(
        `fork bomb: ${result.outcome} after ${Math.round(took)} ms, returncode ${result.returncode}`,
      );
      expect(took).toBeLessThan(BOMB_OVER);
      expect(['timeout', 'nonzero', 'sandbox_lost']).toContain(result.outcome);
      if (result.outcome !== 'sandbox_lost') {
        // Without a process to keep it, what was said may be lost with the bomb.
        expect(['lit\n', '']).toContain(result.stdout);
        await slot.stopProcesses();
      }
      const after = await slot.exec('echo usable');
      expect(['usable\n', '']).toContain(after.stdout);
      expect(after.outcome).toBe(after.stdout === '' ? 'sandbox_lost' : 'ok');
    });

    it('a command that takes too much memory is `oom`, and the next one works', async () => {
      const slot = await limited({ memory: 64 * 1024 * 1024 });
      const result = await slot.exec('sleep 1; exec dd if=/dev/zero of=/dev/null bs=300M count=1');
      expect(result).toMatchObject({ outcome: 'oom', returncode: 137, blame: 'policy', trainable: true });
      expect(await slot.sh('echo usable')).toBe('usable\n');
      expect(await slot.exec('kill -KILL $$')).toMatchObject({ outcome: 'nonzero', returncode: 137 });
    });

    it('1 GB of output fits into a box of 64 MB', async () => {
      const slot = await limited({ memory: 64 * 1024 * 1024, pids: 64 });
      const result = await slot.exec('yes | head -c 1000000000');
      expect(result).toMatchObject({ outcome: 'ok', bytes: { stdout: 1_000_000_000 }, truncated: true });
    });

    it('a frozen file system is an image with the files in it', async () => {
      const slot = await bench.slot(await bench.box());
      await slot.upload({ kept: 'frozen' });
      const { environment, id, token } = slot;
      const name = bench.freshId();
      const snapshot = await environment.freeze(id, token, name, 'filesystem');
      expect(await environment.freeze(id, token, name, 'filesystem')).toEqual(snapshot);
      await environment.destroy();
      const spec = { ...place.spec(bench.freshId()), image: snapshot.reference };
      const copy = await bench.slot(bench.keep(await place.runner.create(spec)));
      expect(await copy.sh(`cat ${slot.workspace}/kept`)).toBe('frozen');
      await copy.environment.destroy();
      await dockerApi(`/images/${encodeURIComponent(snapshot.reference)}?force=1`, { method: 'DELETE' });
    });
  });
}

for (const under of runnersUnderTest) {
  if (under.name === 'docker') continue;
  const found = under.found.available ? findTmpfs() : under.found;
  describeWith(under.name, `a full disk under ${under.name}`, found, () => {
    let place: TestPlace;
    let bench: RunnerBench;
    beforeEach(async () => {
      place = await openPlace(under);
      mount(place.stateDir);
      bench = new RunnerBench(place);
    });
    afterEach(async () => {
      await bench.close();
      spawnSync('umount', [place.stateDir]);
      expect(await place.dispose(), 'nothing is left').toEqual([]);
    });

    const fill = { execId: 'fill', cmd: 'echo filling; cat /dev/zero >big' };

    it('is the command’s own failure, whose record is whole, and a reset makes room', async () => {
      const slot = await bench.slot();
      const result = await slot.exec(fill);
      expect(result).toMatchObject({ outcome: 'nonzero', returncode: 1, blame: 'policy' });
      expect(result.truncated || result.stdout === 'filling\n', 'lost output is not hidden').toBe(true);
      expect(await slot.exec(fill)).toEqual({ ...result, replayed: true });
      await slot.environment.resetSlot(slot.id, slot.token);
      expect(await slot.sh('ls -A; echo usable')).toBe('usable\n');
    });

    it('does not keep the next command from running, so that it can make room', async () => {
      const slot = await bench.slot();
      await slot.exec(fill);
      expect(await slot.exec('rm big; echo next')).toMatchObject({ outcome: 'ok', stdout: 'next\n' });
      expect(await slot.sh('echo room >file; cat file')).toBe('room\n');
    });

    it('does not stop a command that talks, nor hide that output was lost', async () => {
      const slot = await bench.slot();
      const result = await slot.exec({ cmd: 'seq 1 1000000; echo end >&2', maxOutput: 20_000_000 });
      expect(result).toMatchObject({ outcome: 'ok', truncated: true });
      // Of 6,888,896, the block that did not fit may be missing.
      expect(result.bytes.stdout).toBeGreaterThan(6_800_000);
      expect(result.stdout.startsWith('1\n2\n3\n')).toBe(true);
      await slot.environment.resetSlot(slot.id, slot.token);
      expect(await slot.sh('echo usable')).toBe('usable\n');
    });
  });
}

function mount(directory: string): string | null {
  const { error, status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory], {
    encoding: 'utf8',
  });
  return status === 0 ? null : (error?.message ?? stderr.trim());
}

/** Whether a small file system can be mounted. */
function findTmpfs(): Availability {
  const directory = temporaryDirectory();
  const failure = mount(directory);
  if (failure !== null) return { available: false, detail: `no tmpfs can be mounted: ${failure}` };
  spawnSync('umount', [directory]);
  spawnSync('rmdir', [directory]);
  return { available: true, detail: 'tmpfs' };
}
