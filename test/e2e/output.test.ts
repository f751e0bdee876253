import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CliResult } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { peakMemory } from '../helpers/memory.ts';
import { RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

/** The most memory the orchestrator may hold, MiB, whatever a command writes. Plain node with this program takes about 100. */
const MEMORY_BOUND = 220;

/** What a terminal would act upon: all controls but newline and tab, and the replacement of bytes that are no text is none. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const RAW = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `what agents write on ${runner.name}`, runner.found, () => {
    let place: RolloutPlace;
    beforeAll(() => {
      place = new RolloutPlace(runner);
    });
    afterAll(() => place.dispose());

    /** A rollout whose agent runs this command, then proves that the slot is still good. */
    async function rolloutOf(id: string, cmd: string, args: string[] = []) {
      const agents = { solve: [{ cmd }, { cmd: 'echo alive > after.txt' }] };
      const verify = { cmd: 'grep -q alive after.txt' };
      const task = place.task(id, { agents, verify, turn_timeout: 50 });
      const running = await place.start(id, { task }, { args });
      const peak = await peakMemory(running);
      return { ended: await running.ended, peak };
    }

    const logs = async (id: string, ...args: string[]): Promise<CliResult> => {
      const ended = await place.do('logs', id, ...args);
      expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
      return ended;
    };

    it('survives 1 GB on stdout and 1 GB on stderr, in bounded memory and on a bounded disk', {
      timeout: 90_000,
    }, async () => {
      const cmd =
        'head -c 1000000000 /dev/zero & head -c 1000000000 /dev/zero >&2; wait; du -sk .. > size.txt; test $(cut -f1 size.txt) -lt 40000';
      const { ended, peak } = await rolloutOf('floods', cmd, ['--json']);
      expect(resultOf(ended)).toMatchObject({ reward: 1, outcome: 'ok', turns: 2 });
      const end = ended.stderr
        .split('\n')
        .filter((line) => line.includes('"command_end"'))
        .map((line) => JSON.parse(line));
      expect(end[0]).toMatchObject({ outcome: 'ok', truncated: true });
      expect(peak).toBeGreaterThan(40);
      expect(peak).toBeLessThan(MEMORY_BOUND);
      expect((await logs('floods')).stdout.length).toBeLessThan(50_000);
      expect(await place.leftovers()).toEqual([]);
    });

    it('lets no control byte through to a terminal, live or in logs', async () => {
      const rubbish = [
        `printf 'seen \\033[31mred\\033[0m \\033]0;title\\007 \\000\\001\\177 \\233 \\377\\376 \\342\\200\\256rtl \\r over\\n'`,
        `head -c 100000 /dev/urandom`,
        `printf '\\033]52;c;aGFjaw==\\007\\033[2J' >&2`,
        `printf '\\nseen last\\n'`,
      ].join('; ');
      const { ended } = await rolloutOf('rubbish', rubbish);
      expect(resultOf(ended)).toMatchObject({ reward: 1 });
      expect(ended.stderr).not.toMatch(RAW);
      const { stdout } = await logs('rubbish');
      expect(stdout).toContain('seen last');
      expect(stdout).not.toMatch(RAW);
      for (const line of (await logs('rubbish', '--json')).stdout.trimEnd().split('\n')) {
        expect(line).not.toMatch(RAW);
        expect(JSON.parse(line)).toMatchObject({ execution_id: 'rubbish' });
      }
      for (const command of ['show', 'history'])
        expect((await place.do(command, 'rubbish')).stdout).not.toMatch(RAW);
      const { ended: watched } = await rolloutOf('watched', rubbish, ['--watch']);
      expect(resultOf(watched)).toMatchObject({ reward: 1 });
      expect(watched.stderr).not.toContain(']52');
    });

    it('takes a line of 20 MB without a newline, and a command of 100 kB', async () => {
      const { ended, peak } = await rolloutOf('line', `head -c 20000000 /dev/zero | tr '\\0' x`);
      expect(resultOf(ended)).toMatchObject({ reward: 1 });
      expect(Math.max(...ended.stderr.split('\n').map((line) => line.length))).toBeLessThan(1000);
      expect(peak).toBeLessThan(MEMORY_BOUND);
      const { ended: long } = await rolloutOf('long', `: ${'é'.repeat(50_000)}; echo done`);
      expect(resultOf(long)).toMatchObject({ reward: 1 });
      expect(Math.max(...long.stderr.split('\n').map((line) => line.length))).toBeLessThan(1000);
      expect(await place.leftovers()).toEqual([]);
    });

    it('waits for no child that holds the output open, and ends it before the verdict', async () => {
      const cmd = 'sleep 300 & ( setsid sleep 301 & ) ; echo gone';
      const { ended } = await rolloutOf('background', cmd);
      const result = resultOf(ended);
      expect(result).toMatchObject({ reward: 1, outcome: 'ok' });
      expect((result.timings as { execute_ms: number }).execute_ms).toBeLessThan(5000);
      expect(await place.leftovers()).toEqual([]);
    });
  });
}
