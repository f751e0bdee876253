import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunnerCase } from './place.ts';

const MEBIBYTE = 1024 * 1024;

/** What a marker between head and tail may take, bytes. */
const MARKER = 200;

/** Runs `work` and gives the growth of this process's memory meanwhile, at its highest. */
async function memoryGrowth(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage().rss;
  let highest = before;
  const timer = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss);
  }, 20);
  await work().finally(() => clearInterval(timer));
  return highest - before;
}

/** That output comes back as it was written, as soon as it is written, and never more of it than asked for. */
export const outputCases: readonly RunnerCase[] = [
  {
    name: 'of too much output the head and the tail are kept, and all of it is counted',
    async run(bench) {
      const slot = await bench.slot();
      const whole = Array.from({ length: 300_000 }, (_, n) => `${n + 1}\n`).join('');
      for (const maxOutput of [10_000, 1001]) {
        const { stdout, bytes, truncated, outcome } = await slot.exec({ cmd: 'seq 1 300000', maxOutput });
        assert.deepEqual([bytes.stdout, truncated, outcome], [whole.length, true, 'ok']);
        const half = Math.floor(maxOutput / 2);
        assert.ok(stdout.startsWith(whole.slice(0, half)), 'the head is whole');
        assert.ok(stdout.endsWith(whole.slice(-half)), 'the tail is whole');
        assert.ok(stdout.length <= maxOutput + MARKER, `${stdout.length} bytes kept`);
      }
    },
  },
  {
    name: 'what just fits is not cut',
    async run(bench) {
      const slot = await bench.slot();
      for (const size of [9999, 10_000, 10_001]) {
        const cmd = `head -c ${size} /dev/zero | tr '\\0' a`;
        const { stdout, truncated, bytes } = await slot.exec({ cmd, maxOutput: 10_000 });
        assert.deepEqual([truncated, bytes.stdout], [size > 10_000, size]);
        if (size <= 10_000) assert.equal(stdout, 'a'.repeat(size));
      }
    },
  },
  {
    name: '1 GB of output costs neither memory nor the tail',
    async run(bench) {
      const slot = await bench.slot();
      await slot.exec('seq 1 1000000');
      const started = performance.now();
      const growth = await memoryGrowth(async () => {
        const result = await slot.exec('echo first; yes | head -c 1000000000; echo last; echo err >&2');
        assert.deepEqual(
          [result.outcome, result.truncated, result.bytes, result.stderr],
          ['ok', true, { stdout: 1_000_000_011, stderr: 4 }, 'err\n'],
        );
        assert.ok(result.stdout.startsWith('first\ny\ny\n') && result.stdout.endsWith('y\ny\nlast\n'));
        assert.ok(result.stdout.length <= MEBIBYTE + MARKER, `${result.stdout.length} bytes kept`);
      });
      const took = performance.now() - started;
      bench.place.note?.(
        `1 GB of output: ${Math.round(took)} ms, memory + ${(growth / MEBIBYTE).toFixed(1)} MiB`,
      );
      assert.ok(growth < 30 * MEBIBYTE, `memory grew by ${(growth / MEBIBYTE).toFixed(1)} MiB`);
      assert.ok(took < 30_000, `it took ${Math.round(took)} ms`);
      assert.equal(await slot.sh('echo usable'), 'usable\n');
    },
  },
  {
    name: 'output without end is ended at its limit',
    async run(bench) {
      const slot = await bench.slot();
      const started = performance.now();
      const result = await slot.exec({ cmd: 'echo first; yes', outputLimit: 5_000_000 });
      assert.deepEqual(
        [result.outcome, result.returncode, result.blame, result.trainable, result.timed_out],
        ['output_capped', null, 'policy', true, false],
      );
      assert.ok(result.stdout.startsWith('first\ny\n'));
      assert.ok(performance.now() - started < 10_000);
      assert.equal(await slot.sh('echo usable'), 'usable\n');
      const within = await slot.exec({ cmd: 'seq 1 1000', outputLimit: 5_000_000 });
      assert.deepEqual([within.outcome, within.bytes.stdout], ['ok', 3893]);
    },
  },
  {
    name: 'rubbish comes back as text, with every byte counted',
    async run(bench) {
      const slot = await bench.slot();
      const rubbish = Buffer.from('a\0\xff\xfe\x80\xc3(\xe2\x82b\r\n\x1b[31m\0', 'latin1');
      await slot.upload({ rubbish });
      const chunks: Uint8Array[] = [];
      const onOutput = (_stream: string, chunk: Uint8Array) => chunks.push(chunk);
      const { stdout, stderr, bytes, outcome } = await slot.exec({
        cmd: 'cat rubbish; cat rubbish >&2',
        onOutput,
      });
      assert.deepEqual([stdout, stderr], [rubbish.toString('utf8'), rubbish.toString('utf8')]);
      assert.deepEqual([bytes, outcome], [{ stdout: rubbish.length, stderr: rubbish.length }, 'ok']);
      assert.equal(Buffer.concat(chunks).length, 2 * rubbish.length);
    },
  },
  {
    name: '20 MB of random bytes do no harm',
    async run(bench) {
      const slot = await bench.slot();
      const { bytes, outcome, truncated } = await slot.exec('head -c 20000000 /dev/urandom');
      assert.deepEqual([bytes.stdout, outcome, truncated], [20_000_000, 'ok', true]);
      assert.equal(await slot.sh('echo usable'), 'usable\n');
    },
  },
  {
    name: 'a character cut by the bound does not spoil the rest',
    async run(bench) {
      const slot = await bench.slot();
      await slot.upload({ wide: '🚀'.repeat(5000) });
      const { stdout } = await slot.exec({ cmd: 'cat wide', maxOutput: 1002 });
      assert.ok(stdout.startsWith('🚀'.repeat(100)) && stdout.endsWith('🚀'.repeat(100)));
    },
  },
  {
    name: 'one line of 5 MB comes back whole',
    async run(bench) {
      const slot = await bench.slot();
      const { stdout, truncated } = await slot.exec({
        cmd: `head -c 5000000 /dev/zero | tr '\\0' a`,
        maxOutput: 8_000_000,
      });
      assert.equal(truncated, false);
      assert.ok(stdout === 'a'.repeat(5_000_000), `${stdout.length} bytes came back`);
    },
  },
  {
    name: 'output that looks like the supervisor’s own talk is only output',
    async run(bench) {
      const slot = await bench.slot();
      const text = 'ok\nend 0 - 1 2 0 .\nD 1 slot id\nfenced 9\n\0\nunopened\n'.repeat(50);
      await slot.upload({ text });
      const { stdout, stderr, returncode } = await slot.exec('cat text; cat text >&2; exit 4');
      assert.deepEqual([stdout, stderr, returncode], [text, text, 4]);
    },
  },
  {
    name: 'output is heard while the command runs',
    async run(bench) {
      const slot = await bench.slot();
      const heard: { stream: string; text: string; at: number }[] = [];
      const result = await slot.exec({
        cmd: 'echo first; sleep 1.5; echo second >&2; sleep 0.5; echo third',
        onOutput: (stream, chunk) =>
          heard.push({ stream, text: Buffer.from(chunk).toString(), at: performance.now() }),
      });
      const ended = performance.now();
      assert.deepEqual(
        heard.map(({ stream, text }) => [stream, text]),
        [
          ['stdout', 'first\n'],
          ['stderr', 'second\n'],
          ['stdout', 'third\n'],
        ],
      );
      assert.ok(ended - (heard[0]?.at ?? ended) > 1000, 'the first piece arrives long before the end');
      assert.deepEqual([result.stdout, result.stderr], ['first\nthird\n', 'second\n']);
    },
  },
  {
    name: 'what is heard is what is kept, in order',
    async run(bench) {
      const slot = await bench.slot();
      const heard: Uint8Array[] = [];
      const result = await slot.exec({
        cmd: 'seq 1 20000; sleep 0.4; seq 20001 60000',
        onOutput: (_stream, chunk) => heard.push(Uint8Array.from(chunk)),
      });
      await sleep(100);
      assert.equal(Buffer.concat(heard).toString(), result.stdout);
    },
  },
];
