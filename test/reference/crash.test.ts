import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import type { CrashPoint } from '../../src/crash-points.ts';
import { cli, directoryWith, startCli } from '../helpers/cli.ts';

/** Each state adds one to the context, and a line to a file before it does. */
const COUNTER = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: counter
  context: { n: 0 }
  hooks: { file: ./hooks.mjs, class: Hooks }
  states:
    one: { type: initial, action: add, transitions: [{ to: two }] }
    two: { action: add, transitions: [{ to: three }] }
    three: { action: add, transitions: [{ to: end }] }
    end: { type: final, output: { n: context.n } }
`;

/** Waits for the children, or launches one and ends. */
const PARENT = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: parent
  hooks: { file: ./hooks.mjs, class: Hooks }
  machines: { child: ./counter.yml }
  states:
    pick: { type: initial, transitions: [{ condition: input.launch, to: start }, { to: call }] }
    call: { machine: child, output_to_context: { n: output.n }, transitions: [{ to: after }] }
    start: { launch: child, transitions: [{ to: after }] }
    after: { action: add, transitions: [{ to: end }] }
    end: { type: final, output: { n: context.n } }
`;

/** Takes two signals of one channel, one after the other. */
const WAITER = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: waiter
  context: { got: [] }
  states:
    first: { type: initial, wait_for: jobs, output_to_context: { got: "{{ context.got + [output.n] }}" }, transitions: [{ to: second }] }
    second: { wait_for: jobs, output_to_context: { got: "{{ context.got + [output.n] }}" }, transitions: [{ to: end }] }
    end: { type: final, output: { got: context.got } }
`;

const HOOKS = `import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
export class Hooks {
  async onAction(_action, context, call) {
    appendFileSync('effects.txt', call.executionId + ' ' + call.state + '\\n');
    if (process.env.HANG) await sleep(60_000);
    return { ...context, n: (context.n ?? 0) + 1 };
  }
}
`;

const FILES = { 'counter.yml': COUNTER, 'parent.yml': PARENT, 'waiter.yml': WAITER, 'hooks.mjs': HOOKS };
let cwd: string;
beforeEach(() => {
  cwd = directoryWith(FILES);
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

/** What was done how often, by execution and state. */
function effects(): Record<string, number> {
  const file = join(cwd, 'effects.txt');
  const counts: Record<string, number> = {};
  if (!existsSync(file)) return counts;
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) counts[line] = (counts[line] ?? 0) + 1;
  return counts;
}

/** Kills a run at a point and resumes it to its end. */
async function killed(file: string, input: string, point: `${CrashPoint}` | `${CrashPoint}#${number}`) {
  const id = `${input === '{}' ? '' : 'launch-'}${point.replace('#', '-')}`;
  const args = ['run', file, '--id', id, '--input', input, '--quiet'];
  const first = await cli(args, { cwd, env: { FLATMACHINE_CRASH_AT: point } });
  const last = await cli(['resume', id, '--quiet'], { cwd });
  return {
    id,
    signal: first.signal,
    code: last.code,
    output: JSON.parse(last.stdout || 'null'),
    stderr: last.stderr,
  };
}

/** Runs these two at a time: there are two cores. */
async function all<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i] as T);
    }
  };
  await Promise.all([lane(), lane()]);
  return results;
}

const done = { signal: 'SIGKILL', code: 0 };

describe('kill -9', { timeout: 60_000 }, () => {
  it('case 63: at every boundary: what was committed happened once, the rest at most twice, and the result is the same', async () => {
    const points = [
      'execution.started',
      ...[1, 2, 3].flatMap(
        (n) =>
          [
            `step.before-work#${n}`,
            `step.after-work#${n}`,
            `step.before-commit#${n}`,
            `step.after-commit#${n}`,
          ] as const,
      ),
      'execution.finished',
      'execution.released',
    ] as `${CrashPoint}`[];
    for (const result of await all(points, (point) => killed('counter.yml', '{}', point))) {
      expect(result).toMatchObject({ ...done, output: { n: 3 } });
      const point = result.id;
      const doubled = /^step\.(after-work|before-commit)-(\d)/.exec(point);
      for (const [i, state] of ['one', 'two', 'three'].entries()) {
        const expected = doubled !== null && Number(doubled[2]) === i + 1 ? 2 : 1;
        expect([point, state, effects()[`${point} ${state}`]]).toEqual([point, state, expected]);
      }
    }
  });

  it('case 64: around the start and the end of a child: exactly one child result', async () => {
    // The parent commits once before the child's four commits, and once after them.
    const waited = [
      'children.planned',
      'child.started',
      'child.ended',
      'step.before-commit#6',
      'step.after-commit#6',
    ] as const;
    for (const result of await all(waited, (point) => killed('parent.yml', '{}', point))) {
      expect(result).toMatchObject({ ...done, output: { n: 4 } });
      expectOneChild(result.id, `${result.id}.2.0`);
    }
    const launched = [
      'step.before-work#2',
      'execution.started#2',
      'step.before-commit#2',
      'step.after-commit#2',
      'step.after-commit#4',
    ] as const;
    const results = await all(launched, (point) => killed('parent.yml', '{"launch": true}', point));
    const backends = await openBackends(`sqlite:${join(cwd, '.flatmachine', 'flatmachine.db')}`);
    for (const result of results) {
      expect(result).toMatchObject({ ...done, output: { n: 1 } });
      const child = `${result.id}.2.l0`;
      expectOneChild(result.id, child);
      expect(await backends.results.read(`flatagents://${child}/result`, { block: false })).toEqual({ n: 3 });
    }
    await backends.close();
  });

  it('case 65: in the middle of a child: it goes on under its id and repeats nothing that was committed', async () => {
    // Commits: the parent's first, then the child's.
    for (const result of await all(['step.after-commit#3', 'step.before-work#4'] as const, (point) =>
      killed('parent.yml', '{}', point),
    )) {
      expect(result).toMatchObject({ ...done, output: { n: 4 } });
      expectOneChild(result.id, `${result.id}.2.0`);
      expect(effects()).toMatchObject({
        [`${result.id}.2.0 one`]: 1,
        [`${result.id}.2.0 two`]: 1,
        [`${result.id}.2.0 three`]: 1,
      });
    }
  });

  /** One child was ever drawn, did all its states, and none more than once too often. */
  function expectOneChild(parent: string, child: string) {
    const lines = Object.entries(effects()).filter(([line]) => line.startsWith(`${parent}.`));
    expect(lines.map(([line]) => line).sort()).toEqual([`${child} one`, `${child} three`, `${child} two`]);
    expect(lines.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(4);
  }

  it('case 69: a second process is refused while the first lives, and takes over once it is dead', async () => {
    const holder = await startCli(['run', 'counter.yml', '--id', 'held'], { cwd, env: { HANG: '1' } });
    while (!existsSync(join(cwd, 'effects.txt'))) await new Promise((resolve) => setTimeout(resolve, 10));
    const started = performance.now();
    const refused = await cli(['resume', 'held'], { cwd });
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/"held" is being run by \d+@/);
    holder.child.kill('SIGKILL');
    await holder.ended;
    const taken = await cli(['resume', 'held', '--quiet'], { cwd });
    expect({ code: taken.code, output: JSON.parse(taken.stdout) }).toEqual({ code: 0, output: { n: 3 } });
  });

  it('case 87, crash: between taking a signal and the commit it is delivered again, to the same waiter', async () => {
    const id = 'waits';
    expect((await cli(['run', 'waiter.yml', '--id', id, '--quiet'], { cwd })).code).toBe(4);
    const backends = await openBackends(`sqlite:${join(cwd, '.flatmachine', 'flatmachine.db')}`);
    try {
      for (const n of [1, 2]) await backends.signals.send('jobs', { n });
      const dead = await cli(['resume', id, '--quiet'], {
        cwd,
        env: { FLATMACHINE_CRASH_AT: 'step.before-commit' },
      });
      expect(dead.signal).toBe('SIGKILL');
      // The other takes the second signal from the queue and parks; the third goes to it alone, since the dead one has its first still.
      expect((await cli(['run', 'waiter.yml', '--id', 'other', '--quiet'], { cwd })).code).toBe(4);
      await backends.signals.send('jobs', { n: 3 });
      const output = async (of: string) => {
        const { code, stdout } = await cli(['resume', of, '--quiet'], { cwd });
        return code === 0 ? JSON.parse(stdout) : code;
      };
      expect(await output('other')).toEqual({ got: [2, 3] });
      expect(await output(id)).toBe(4);
      await backends.signals.send('jobs', { n: 4 });
      expect(await output(id)).toEqual({ got: [1, 4] });
    } finally {
      await backends.close();
    }
  });
});
