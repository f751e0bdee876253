import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { beating } from './bench.ts';
import type { RunnerCase } from './place.ts';

/** That a command runs once, whoever asks for it and how often. */
export const journalCases: readonly RunnerCase[] = [
  {
    name: 'asked again, the stored result comes back and nothing runs',
    async run(bench) {
      const slot = await bench.slot();
      const request = {
        execId: 'once',
        cmd: 'echo run >>log; echo out; echo err >&2; exit 7',
        stdin: Buffer.from('in'),
      };
      const first = await slot.exec(request);
      assert.equal(first.replayed, false);
      const second = await slot.exec(request);
      assert.deepEqual(second, { ...first, replayed: true });
      const other = await bench.again(slot.environment);
      assert.deepEqual(await slot.with({ environment: other }).exec(request), { ...first, replayed: true });
      assert.equal(await slot.sh('cat log'), 'run\n');
    },
  },
  {
    name: 'the result belongs to the id, not to the text',
    async run(bench) {
      const slot = await bench.slot();
      await slot.exec({ execId: 'same', cmd: 'echo first' });
      const again = await slot.exec({ execId: 'same', cmd: 'echo second >trace' });
      assert.deepEqual([again.stdout, again.replayed], ['first\n', true]);
      assert.equal(await slot.sh('ls'), '');
    },
  },
  {
    name: 'asked for many times at once, it runs once and everybody gets the result',
    async run(bench) {
      const slot = await bench.slot();
      const others = [slot, slot.with({ environment: await bench.again(slot.environment) })];
      const request = { execId: 'crowd', cmd: 'echo run >>log; sleep 0.3; echo out' };
      const results = await Promise.all(Array.from({ length: 8 }, (_, n) => others[n % 2]?.exec(request)));
      assert.deepEqual(new Set(results.map((result) => result?.stdout)), new Set(['out\n']));
      assert.equal(await slot.sh('cat log'), 'run\n');
    },
  },
  {
    name: 'a running command is joined by another process, and told so',
    async run(bench) {
      const slot = await bench.slot();
      const told: boolean[] = [];
      const { execId, result } = await slot.start(
        { cmd: 'echo run >>log; sleep 1; echo out', onStart: (joined) => told.push(joined) },
        'log',
      );
      const other = slot.with({ environment: await bench.again(slot.environment) });
      const joined = await other.exec({ execId, cmd: 'echo wrong >>log', onStart: (j) => told.push(j) });
      assert.deepEqual(told, [false, true]);
      assert.deepEqual([joined.stdout, joined.outcome], ['out\n', 'ok']);
      assert.equal((await result).stdout, 'out\n');
      assert.equal(await slot.sh('cat log'), 'run\n');
    },
  },
  {
    name: 'a command outlives the channel that started it, output and all',
    async run(bench) {
      const slot = await bench.slot();
      const short = slot.with({ environment: await bench.again(slot.environment) });
      // More than any pipe holds: nobody reads it while it is written.
      const cmd = 'echo run >>log; sleep 0.5; head -c 400000 /dev/zero | tr "\\0" a; echo end >&2; exit 5';
      const { execId } = await short.start({ cmd }, 'log');
      await short.environment.close();
      await sleep(1200);
      const result = await slot.exec({ execId, cmd });
      assert.deepEqual([result.returncode, result.stderr, result.replayed], [5, 'end\n', true]);
      assert.equal(result.stdout, 'a'.repeat(400_000));
      assert.equal(await slot.sh('cat log'), 'run\n');
    },
  },
  {
    name: 'who stops waiting does not stop the command',
    async run(bench) {
      const slot = await bench.slot();
      const waiting = new AbortController();
      const cmd = 'echo run >>log; sleep 1; echo out';
      const { execId, result } = await slot.start({ cmd, signal: waiting.signal }, 'log');
      const aborted = performance.now();
      waiting.abort();
      await assert.rejects(result);
      assert.ok(performance.now() - aborted < 500, 'the wait ends at once');
      assert.equal((await slot.exec({ execId, cmd })).stdout, 'out\n');
      assert.equal(await slot.sh('cat log'), 'run\n');
    },
  },
  {
    name: 'the same id in another slot is another command',
    async run(bench) {
      const [a, b] = [await bench.slot(), await bench.slot()];
      const request = { execId: 'common', cmd: 'pwd' };
      const [first, second] = await Promise.all([a.exec(request), b.exec(request)]);
      assert.deepEqual([first.stdout, second.stdout], [`${a.workspace}\n`, `${b.workspace}\n`]);
      assert.notEqual(a.workspace, b.workspace);
      assert.deepEqual([first.replayed, second.replayed], [false, false]);
    },
  },
  {
    name: '32 commands in 4 slots run beside one another',
    async run(bench) {
      const slots = await Promise.all([1, 2, 3, 4].map(() => bench.slot()));
      const started = performance.now();
      const results = await Promise.all(
        Array.from({ length: 32 }, (_, n) => slots[n % 4]?.exec(`sleep 1; echo ${n}; echo e${n} >&2`)),
      );
      const took = performance.now() - started;
      assert.deepEqual(
        results.map((result) => [result?.stdout, result?.stderr, result?.outcome]),
        Array.from({ length: 32 }, (_, n) => [`${n}\n`, `e${n}\n`, 'ok']),
      );
      assert.ok(took < 12_000, `32 commands of 1 s took ${Math.round(took)} ms`);
    },
  },
  {
    name: 'a cancelled command ends with its whole tree, and stays cancelled',
    async run(bench) {
      const slot = await bench.slot();
      const cmd = `trap '' TERM; echo partial; (${beating('child')}) & setsid sh -c '${beating('far')}' & ${beating('beat')}`;
      const { execId, result } = await slot.start({ cmd }, 'beat');
      await slot.cancel(execId);
      const { outcome, returncode, stdout, trainable, timed_out } = await result;
      assert.deepEqual(
        { outcome, returncode, stdout, trainable, timed_out },
        { outcome: 'cancelled', returncode: null, stdout: 'partial\n', trainable: false, timed_out: false },
      );
      assert.deepEqual(await slot.beating('beat', 'child', 'far'), []);
      assert.deepEqual(
        [(await slot.exec({ execId, cmd })).outcome, await slot.sh('echo on')],
        ['cancelled', 'on\n'],
      );
    },
  },
  {
    name: 'cancelling what is unknown or finished does nothing',
    async run(bench) {
      const slot = await bench.slot();
      await slot.cancel('never-heard-of');
      await slot.exec({ execId: 'done', cmd: 'echo out' });
      await slot.cancel('done');
      assert.equal((await slot.exec({ execId: 'done', cmd: 'false' })).outcome, 'ok');
      assert.equal((await slot.exec({ execId: 'never-heard-of', cmd: 'echo in' })).stdout, 'in\n');
    },
  },
];
