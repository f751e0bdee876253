import assert from 'node:assert/strict';
import { beating, type RunnerBench, type SlotUnderTest } from './bench.ts';
import type { RunnerCase } from './place.ts';

/** How late a timeout may be on a busy machine, milliseconds. */
const LATE = 300;

/** TERM, a grace and KILL must all be over by then, milliseconds. */
const WHOLE_END = 8000;

/** Runs into its timeout of one second, and leaves nothing of `files` beating. */
async function endsWhole(slot: SlotUnderTest, cmd: string, files: readonly string[]): Promise<void> {
  const started = performance.now();
  const result = await slot.exec({ cmd, timeout: 1 });
  const took = performance.now() - started;
  assert.deepEqual(
    [result.outcome, result.returncode, result.timed_out, result.blame, result.trainable, result.stdout],
    ['timeout', null, true, 'policy', true, 'partial\n'],
  );
  assert.ok(took < WHOLE_END, `the end took ${Math.round(took)} ms`);
  assert.deepEqual(await slot.beating(...files), []);
  assert.equal(await slot.sh('echo usable'), 'usable\n');
}

/** A daemon that has left its session, its parents and its environment behind. */
const FORGETFUL = `env -i PATH="$PATH" setsid sh -c 'sh -c "${beating('bare')}" >/dev/null 2>&1 &' &`;

/** … and its directory. */
function hiding(slot: SlotUnderTest): string {
  const file = `${slot.workspace}/hidden`;
  return `env -i PATH="$PATH" setsid sh -c 'cd /; exec sh -c "${beating(file)}" >/dev/null 2>&1 </dev/null &' &`;
}

/** That a command ends when its time is up, with all that came of it. */
export const timeoutCases: readonly RunnerCase[] = [
  {
    name: 'a timeout is exact',
    async run(bench) {
      const slot = await bench.slot();
      await slot.sh('true');
      for (const timeout of [0.3, 1]) {
        const started = performance.now();
        const result = await slot.exec({ cmd: 'sleep 30', timeout });
        const late = performance.now() - started - timeout * 1000;
        bench.place.note?.(`timeout of ${timeout} s: ${Math.round(late)} ms late`);
        assert.deepEqual([result.outcome, result.timed_out, result.returncode], ['timeout', true, null]);
        assert.ok(late > -20 && late < LATE, `${Math.round(late)} ms late`);
        assert.ok(
          Math.abs(result.duration_ms - timeout * 1000) < LATE,
          `duration_ms is ${result.duration_ms}`,
        );
      }
    },
  },
  {
    name: 'a command that ends in time is not touched',
    async run(bench) {
      const slot = await bench.slot();
      const result = await slot.exec({ cmd: 'sleep 0.2; echo out', timeout: 5 });
      assert.deepEqual([result.outcome, result.stdout, result.timed_out], ['ok', 'out\n', false]);
    },
  },
  {
    name: 'a tree that ignores TERM is killed, children and other sessions too, and its output kept',
    async run(bench) {
      const cmd = `trap '' TERM; echo partial; sh -c 'trap "" TERM; ${beating('child')}' &
        setsid sh -c '${beating('session')}' & ${beating('beat')}`;
      await endsWhole(await bench.slot(), cmd, ['beat', 'child', 'session']);
    },
  },
  {
    name: 'daemons that forked twice are killed',
    async run(bench) {
      const cmd = `echo partial; setsid sh -c 'setsid sh -c "${beating('orphan')}" >/dev/null 2>&1 &' & ${beating('beat')}`;
      await endsWhole(await bench.slot(), cmd, ['beat', 'orphan']);
    },
  },
  {
    name: 'daemons that forked twice and cleared their environment are killed',
    run: async (bench) => endsWhole(await bench.slot(), `echo partial; ${FORGETFUL} sleep 60`, ['bare']),
  },
  {
    name: 'in a box of its own, a slot cannot hide a daemon at all',
    needs: ({ isolation }) => isolation !== 'none',
    async run(bench) {
      const slot = await bench.slot(await bench.box());
      await endsWhole(slot, `echo partial; ${FORGETFUL} ${hiding(slot)} sleep 60`, ['bare', 'hidden']);
    },
  },
  {
    name: 'the timeout of one slot leaves the others alone',
    async run(bench) {
      const [slot, neighbour] = [await bench.slot(), await bench.slot()];
      const { result } = await neighbour.start({ cmd: `${beating('beat')}`, timeout: 60 }, 'beat');
      await endsWhole(slot, `echo partial; ${beating('beat')}`, ['beat']);
      assert.deepEqual(await neighbour.beating('beat'), ['beat']);
      assert.ok((await neighbour.stopProcesses()) > 0);
      assert.notEqual((await result).outcome, 'ok');
    },
  },
  {
    name: 'a child in the background does not hold the call, and lives on until the slot is stopped',
    async run(bench) {
      const slot = await bench.slot();
      const started = performance.now();
      const result = await slot.exec(
        `(${beating('beat')}) & setsid sh -c '${beating('far')}' & echo started`,
      );
      const took = performance.now() - started;
      assert.deepEqual([result.outcome, result.stdout], ['ok', 'started\n']);
      assert.ok(took < 2500, `the call took ${Math.round(took)} ms`);
      assert.deepEqual(await slot.beating('beat', 'far'), ['beat', 'far']);
      await stopsAll(bench, slot, ['beat', 'far']);
    },
  },
  {
    name: 'stopping a slot ends daemons that cleared their environment, and no neighbour',
    async run(bench) {
      const [slot, neighbour] = [await bench.slot(), await bench.slot()];
      await neighbour.sh(`(${beating('beat')}) >/dev/null 2>&1 &`);
      await slot.sh(`${FORGETFUL} until [ -s bare ]; do sleep 0.02; done`);
      await stopsAll(bench, slot, ['bare']);
      assert.deepEqual(await neighbour.beating('beat'), ['beat']);
      await neighbour.stopProcesses();
    },
  },
  {
    name: 'stopping a slot ends the command that runs in it',
    async run(bench) {
      const slot = await bench.slot();
      const { result } = await slot.start({ cmd: beating('beat') }, 'beat');
      assert.ok((await slot.stopProcesses()) > 0);
      const { outcome, returncode } = await result;
      assert.ok(outcome !== 'ok' && outcome !== 'sandbox_lost', outcome);
      assert.ok(returncode === null || returncode > 128, `returncode ${returncode}`);
      assert.deepEqual(await slot.beating('beat'), []);
    },
  },
];

async function stopsAll(bench: RunnerBench, slot: SlotUnderTest, files: readonly string[]): Promise<void> {
  const stopped = await slot.stopProcesses();
  assert.ok(stopped >= files.length, `${stopped} stopped`);
  bench.place.note?.(`${stopped} processes stopped`);
  assert.deepEqual(await slot.beating(...files), []);
  assert.equal(await slot.stopProcesses(), 0);
  assert.equal(await slot.sh('echo usable'), 'usable\n');
}
