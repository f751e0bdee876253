import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openRunner } from '../../src/runners/registry.ts';
import { temporaryDirectory } from '../helpers/cli.ts';

/** The supervisor's processes of environments below a directory. */
function supervisors(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.includes('supervisor.sh') && command.includes(directory);
      } catch {
        return false; // It has ended meanwhile.
      }
    });
}

it('[local] does not keep its caller waiting when somebody stops it, and goes on when it is woken', async () => {
  const stateDir = temporaryDirectory();
  const runner = await openRunner('local', { stateDir });
  const environment = await runner.create({ id: 'stopped', labels: {} });
  try {
    await environment.openSlot('s', 1);
    const command = { slotId: 's', token: 1, execId: 'slow', cmd: 'sleep 1; echo done' };
    const stop = new AbortController();
    const waited = environment.exec({ ...command, signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = supervisors(join(stateDir, 'local', 'stopped'));
    expect(stopped.length).toBeGreaterThan(1);
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    // Long enough for the client to have asked after the command, which nobody answers.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const asked = performance.now();
    stop.abort();
    await expect(waited).rejects.toMatchObject({ code: 'cancelled' });
    expect(performance.now() - asked).toBeLessThan(200);
    for (const pid of stopped) process.kill(pid, 'SIGCONT');
    expect(await environment.exec(command)).toMatchObject({ outcome: 'ok', stdout: 'done\n' });
  } finally {
    await environment.destroy();
    rmSync(stateDir, { recursive: true, force: true });
  }
});
