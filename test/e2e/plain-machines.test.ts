import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli, directoryWith, startCli } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { peakMemory } from '../helpers/memory.ts';
import { SmallDisk, smallDiskAvailability } from '../helpers/small-disk.ts';

/** Carries its input through some states. */
const CARRIER = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: carrier
  context: { load: input.load, n: 0 }
  hooks: { file: ./hooks.mjs, class: Hooks }
  states:
    carry:
      type: initial
      action: count
      input: { n: context.n }
      output_to_context: { n: output.n }
      transitions:
        - { condition: context.n >= 8, to: done }
        - { to: carry }
    done:
      type: final
      output: { n: context.n, length: "{{ context.load | length }}" }
`;

/** Notes each piece of work, on a disk of its own, under the identity that a repetition of it has too. */
const HOOKS = `import { appendFileSync } from 'node:fs';
export class Hooks {
  onAction(action, context, call) {
    appendFileSync(process.env.VISITS, call.workId + '\\n');
    return { output: { n: call.input.n + 1 } };
  }
}
`;

let cwd: string;
const run = (id: string, args: string[]) =>
  startCli(['run', join(cwd, 'carrier.yml'), '--id', id, ...args], { cwd, env: { VISITS: join(cwd, id) } });
const resume = (id: string, args: string[]) =>
  cli(['resume', id, ...args], { cwd, env: { VISITS: join(cwd, id) } });
const visits = (id: string) => readFileSync(join(cwd, id), 'utf8').trimEnd().split('\n');

beforeAll(() => {
  cwd = directoryWith({
    'carrier.yml': CARRIER,
    'hooks.mjs': HOOKS,
    'ten.json': JSON.stringify({ load: 'é'.repeat(5_000_000) }),
    'one.json': JSON.stringify({ load: 'x'.repeat(1_000_000) }),
  });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describeWith('machine', 'a context of 10 MB', { available: true, detail: '' }, () => {
  it('goes through every state, an end at a limit, and a resume, in bounded memory', async () => {
    const running = await run('big', ['--input', '@ten.json', '--max-steps', '4']);
    const peak = await peakMemory(running);
    const { code, stdout } = await running.ended;
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(peak).toBeGreaterThan(40);
    expect(peak).toBeLessThan(600);
    const resumed = await resume('big', ['--max-steps', '100']);
    expect(resumed).toMatchObject({ code: 0 });
    expect(JSON.parse(resumed.stdout)).toEqual({ n: 8, length: 5_000_000 });
    expect(visits('big')).toHaveLength(8);
    expect(new Set(visits('big')).size).toBe(8);
  });
});

describeWith('machine', 'a store whose disk is full', smallDiskAvailability(), () => {
  it('ends the run with what to do, and with room again it goes on where it was', async () => {
    const disk = new SmallDisk(6);
    try {
      const backend = `sqlite:${join(disk.directory, 'store.db')}`;
      const failed = await (await run('full', ['--input', '@one.json', '--backend', backend])).ended;
      expect({ code: failed.code, stdout: failed.stdout }).toEqual({ code: 1, stdout: '' });
      expect(failed.stderr).toMatch(/\nerror: .*full.*\n {2}→ .+\n$/);
      const before = visits('full').length;
      expect(before).toBeGreaterThan(1);
      expect(before).toBeLessThan(8);
      // Still full: said again, in the same words, and nothing is worse.
      expect((await resume('full', ['--backend', backend])).stderr).toMatch(/error: .*full/);
      disk.grow(64);
      const { code, stdout, stderr } = await resume('full', ['--backend', backend]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(JSON.parse(stdout)).toEqual({ n: 8, length: 1_000_000 });
      // Only the work whose commit found no room was asked for again, under the identity it had.
      expect(new Set(visits('full')).size).toBe(8);
      expect(visits('full').slice(0, before)).toEqual([...new Set(visits('full').slice(0, before))]);
    } finally {
      disk.dispose();
    }
  });
});
