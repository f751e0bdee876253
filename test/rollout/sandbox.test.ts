import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FlatMachineError } from '../../src/errors.ts';
import type { Sandbox } from '../../src/execution/tools/interfaces.ts';
import { openRunner } from '../../src/runners/registry.ts';
import { describeWith } from '../helpers/components.ts';
import { runnersUnderTest } from '../helpers/runners.ts';
import { type SlotBench, slotBench } from './slot-bench.ts';

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `the sandbox of a slot on ${runner.name}`, runner.found, () => {
    let bench: SlotBench;
    let sandbox: Sandbox;
    beforeEach(async () => {
      bench = await slotBench(runner);
      sandbox = await bench.sandbox();
    });
    afterEach(() => bench.close());

    const run = (id: string, cmd: string, more = {}) => sandbox.run({ id, cmd, timeout: 20, ...more });
    const text = async (path: string) => Buffer.from(await sandbox.readFile(path, 1e6)).toString();
    const states = async () => (await bench.backends.slots.slots()).map(({ state }) => state);

    it('runs a command with its directory, variables and input, and tells of its output', async () => {
      await sandbox.writeFile('a/b/file', Buffer.from('here'));
      let streamed = '';
      const result = await run('one', 'cat file - ; echo " $X"; echo bad >&2; exit 3', {
        cwd: 'a/b',
        env: { X: 'y' },
        stdin: ' in',
        onOutput: (piece: string) => {
          streamed += piece;
        },
      });
      expect(result).toMatchObject({
        stdout: 'here in y\n',
        stderr: 'bad\n',
        returncode: 3,
        outcome: 'nonzero',
      });
      expect(streamed).toContain('here in y');
      const told = bench.events.map(({ type }) => type);
      expect(told).toEqual(expect.arrayContaining(['command_start', 'command_output', 'command_end']));
      expect(await run('where', 'pwd')).toMatchObject({ stdout: `${sandbox.workspace}\n` });
    });

    it('runs an id once in a piece of work, in another process too, and again in another piece of work', async () => {
      await run('x', 'echo once >> log');
      await run('x', 'echo once >> log');
      const other = await bench.another();
      await (await other.sandbox()).run({ id: 'x', cmd: 'echo once >> log', timeout: 20 });
      const later = await other.sandbox('bench.3');
      await later.run({ id: 'x', cmd: 'echo again >> log', timeout: 20 });
      expect(Buffer.from(await later.readFile('log', 100)).toString()).toBe('once\nagain\n');
      await expect(run('y', 'true')).rejects.toMatchObject({ code: 'lease-lost' });
      await other.close();
    });

    it('runs several at a time; the slot executes from the first to the last', async () => {
      const slow = run('slow', 'sleep 0.6; echo slow');
      const fast = run('fast', 'echo fast');
      expect((await fast).stdout).toBe('fast\n');
      expect(await states()).toEqual(['executing']);
      expect((await slow).stdout).toBe('slow\n');
      expect(await states()).toEqual(['acquired']);
    });

    it('leaves a command to whoever resumes when it is interrupted, and ends it when its work has timed out', async () => {
      const stop = new AbortController();
      const stopped = await bench.sandbox('bench.2', stop.signal);
      const waiting = stopped.run({
        id: 'z',
        cmd: 'echo began >> log; sleep 0.7; echo ended >> log',
        timeout: 20,
      });
      while (!bench.events.some(({ type }) => type === 'command_start')) await delay(10);
      stop.abort(new FlatMachineError('interrupted', 'stop'));
      await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
      await run('z', 'echo began >> log; sleep 0.7; echo ended >> log');
      expect(await text('log')).toBe('began\nended\n');
      const late = new AbortController();
      const bounded = await bench.sandbox('bench.2', late.signal);
      const long = bounded.run({ id: 'long', cmd: 'sleep 60', timeout: 100 });
      setTimeout(() => late.abort(new FlatMachineError('timeout', 'over')), 200);
      await expect(long).rejects.toMatchObject({ code: 'timeout' });
      expect(bench.events.at(-1)).toMatchObject({ type: 'command_end', outcome: 'cancelled' });
      expect((await run('ps', 'true')).outcome).toBe('ok');
    });

    it('writes files whole, keeps their mode and overwrites links instead of following them', async () => {
      const odd = `d/it's a "$file"\n`.trim();
      await sandbox.writeFile(odd, Buffer.from([0, 255, 10]));
      expect([...(await sandbox.readFile(odd, 10))]).toEqual([0, 255, 10]);
      await run('mk', 'printf "#!/bin/sh\\necho hi\\n" > run.sh; chmod 755 run.sh; ln -s /etc/hostname link');
      await sandbox.writeFile('run.sh', Buffer.from('#!/bin/sh\necho ho\n'));
      expect((await run('sh', './run.sh')).stdout).toBe('ho\n');
      await sandbox.writeFile('link', Buffer.from('mine'));
      expect(await text('link')).toBe('mine');
      const large = Buffer.alloc(300_000, 'x');
      await sandbox.writeFile('large', large);
      expect((await sandbox.readFile('large', 1e6)).byteLength).toBe(large.byteLength);
      await expect(sandbox.readFile('large', 1000)).rejects.toMatchObject({ code: 'too-large' });
      expect((await run('ls', 'ls -A d .')).stdout).not.toContain('.write-');
    });

    it('refuses what leads out of the workspace and says what is in the way', async () => {
      await run('mk', 'mkdir dir; ln -s /tmp out; mkfifo pipe; echo x > plain');
      for (const path of ['../x', '/etc/passwd', 'a/../../x', 'out/x']) {
        await expect(sandbox.readFile(path, 10), path).rejects.toMatchObject({ code: 'unsafe-path' });
        await expect(sandbox.writeFile(path, Buffer.from('x')), path).rejects.toMatchObject({
          code: 'unsafe-path',
        });
      }
      await run(
        'ln',
        'for to in /etc/hostname /dev/zero /proc/self/environ pipe dir; do ln -s $to to-$(basename $to); done',
      );
      for (const path of ['to-hostname', 'to-zero', 'to-environ', 'to-pipe', 'to-dir']) {
        const error = await sandbox.readFile(path, 1e6).then(
          () => null,
          (thrown: { code: string }) => thrown.code,
        );
        expect(['unsafe-path', 'not-found'], path).toContain(error);
      }
      await expect(sandbox.readFile('none', 10)).rejects.toMatchObject({ code: 'not-found' });
      await expect(sandbox.readFile('pipe', 10)).rejects.toMatchObject({ code: 'not-found' });
      await expect(sandbox.writeFile('dir', Buffer.from('x'))).rejects.toMatchObject({
        code: 'already-exists',
      });
      await expect(sandbox.writeFile('plain/x', Buffer.from('x'))).rejects.toMatchObject({
        code: 'already-exists',
      });
      await sandbox.writeFile('pipe', Buffer.from('a file now'));
      expect(await text('pipe')).toBe('a file now');
    });

    it('says so when the box is lost', async () => {
      const [record] = await bench.backends.slots.environments();
      const running = run('lost', 'sleep 30');
      while (!bench.events.some(({ type }) => type === 'command_start')) await delay(10);
      const stateDir = runner.name === 'docker' ? '/nowhere' : dirname(dirname(record!.address));
      await (await openRunner(runner.name, { stateDir })).destroy(record!.environment_id);
      await expect(running).rejects.toMatchObject({ code: 'sandbox-lost' });
      await expect(sandbox.writeFile('x', Buffer.from('x'))).rejects.toMatchObject({ code: 'sandbox-lost' });
    });
  });
}
