import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { packageRoot } from '../../src/package-root.ts';
import { cli, directoryWith, startCli } from '../helpers/cli.ts';
import { processesOf } from '../helpers/leftovers.ts';
import { stopOutsideTransaction } from '../helpers/stop.ts';

/** A task whose agent takes its time, and whose trace proves what ran. */
const TASK = `
name: slow
tests: {}
verify: { cmd: "test $(wc -l < journal.log) -eq 3" }
trace: journal.log
agents:
  solve:
    - cmd: echo one >> journal.log
    - cmd: echo two >> journal.log; sleep 2.5
    - cmd: echo three >> journal.log
workspace: { "README.md": "nothing to do" }
`;

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** The shipped rollout machine with quick heartbeats (a lease of 0.6 s), and the slow task. */
function place(): { directory: string; args: string[] } {
  const directory = directoryWith({ 'tasks/slow.yml': TASK });
  directories.push(directory);
  const machine = readFileSync(join(packageRoot(), 'machines', 'rollout.yml'), 'utf8');
  const quick = machine.replace('  hooks:\n', '  settings: { heartbeat_interval: 0.3 }\n\n  hooks:\n');
  expect(quick).not.toBe(machine);
  writeFileSync(join(directory, 'rollout.yml'), quick.replace('tasks/sales-report', 'tasks/slow.yml'));
  cpSync(join(packageRoot(), 'schemas'), join(directory, 'schemas'), { recursive: true });
  return { directory, args: ['run', 'rollout.yml', '--id', 'held', '--runner', 'local'] };
}

/** Where its executions are kept. */
const databaseOf = (directory: string) => join(directory, '.flatmachine', 'flatmachine.db');

describe('two processes and one execution', () => {
  it('lets one of two resumes run; the other says who holds it and exits', { timeout: 60_000 }, async () => {
    const { directory, args } = place();
    const killed = await startCli(args, { cwd: directory });
    await killed.saw(/echo two/);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const both = await Promise.all([1, 2].map(() => cli(['resume', 'held'], { cwd: directory })));
    const [winner, loser] = both.sort((a, b) => Number(a.code) - Number(b.code));
    expect(winner).toMatchObject({ code: 0 });
    expect(JSON.parse(winner?.stdout ?? '')).toMatchObject({ reward: 1, trace: ['one', 'two', 'three'] });
    expect(loser).toMatchObject({ code: 1, stdout: '' });
    expect(loser?.stderr).toMatch(/is being run by \d+@/);
    expect(processesOf(directory)).toEqual([]);
  });

  it('keeps a holder that was stopped past its lease from writing a step or running a command', {
    timeout: 60_000,
  }, async () => {
    const { directory, args } = place();
    const stopped = await startCli(args, { cwd: directory });
    await stopped.saw(/echo two/);
    await stopOutsideTransaction(stopped.child, databaseOf(directory));
    await sleep(1000);
    const second = await cli(['resume', 'held'], { cwd: directory });
    expect({ code: second.code, stderr: second.stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(second.stdout)).toMatchObject({ reward: 1, trace: ['one', 'two', 'three'] });
    stopped.child.kill('SIGCONT');
    const woken = await stopped.ended;
    expect(woken).toMatchObject({ code: 1, stdout: '' });
    expect(woken.stderr).toMatch(/lease|taken over/i);
    const backends = await openBackends(`sqlite:${databaseOf(directory)}`, {});
    try {
      const epochs = (await backends.persistence.history('held')).map(({ snapshot }) => snapshot.epoch);
      expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
      expect(new Set(epochs).size).toBe(2);
      expect(await backends.slots.slots()).toEqual([]);
      expect(await backends.slots.environments()).toEqual([]);
    } finally {
      await backends.close();
    }
    expect(processesOf(directory)).toEqual([]);
  });

  it('refuses a woken holder between two turns too: its next command is fenced off', {
    timeout: 60_000,
  }, async () => {
    const { directory, args } = place();
    const stopped = await startCli(args, { cwd: directory });
    await stopped.saw(/echo one/);
    await stopOutsideTransaction(stopped.child, databaseOf(directory));
    await sleep(1000);
    const second = await startCli(['resume', 'held'], { cwd: directory });
    await second.saw(/echo two/);
    stopped.child.kill('SIGCONT');
    const woken = await stopped.ended;
    expect(woken.code).toBe(1);
    const { code, stdout } = await second.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ reward: 1, trace: ['one', 'two', 'three'] });
    expect(processesOf(directory)).toEqual([]);
  });
});
