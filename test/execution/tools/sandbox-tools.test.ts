import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/execution/tools/interfaces.ts';
import type { JsonObject } from '../../../src/types.ts';
import { describeWith } from '../../helpers/components.ts';
import { runnersUnderTest } from '../../helpers/runners.ts';
import { type SlotBench, slotBench } from '../../rollout/slot-bench.ts';
import { Killed, type LoopBench, loopBench } from './loop-bench.ts';

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `the sandbox tools on ${runner.name}`, runner.found, () => {
    let slot: SlotBench;
    let sandbox: Sandbox;
    let loop: LoopBench;
    let work = 2;
    beforeAll(async () => {
      slot = await slotBench(runner);
    });
    afterAll(() => slot.close());
    beforeEach(async () => {
      sandbox = await slot.sandbox(`bench.${++work}`);
      await sandbox.run({ id: 'clean', cmd: 'rm -rf ./* .[!.]*', timeout: 20 });
      loop = loopBench();
    });

    const write = (path: string, text: string) => sandbox.writeFile(path, Buffer.from(text));
    const text = async (path: string) => Buffer.from(await sandbox.readFile(path, 1e7)).toString();
    /** What the model is told of each call, in order. */
    const use = async (...calls: [name: string, args: JsonObject][]) => {
      await loop.run([{ calls }, 'end'], { hooks: { sandbox: () => sandbox } });
      return loop.events.flatMap((event) => (event.type === 'tool_call' ? [event] : []));
    };
    const one = async (name: string, args: JsonObject) => (await use([name, args]))[0]!;

    it('are offered where hooks have a sandbox', async () => {
      await use();
      const names = loop.requests[0]!.tools.map((tool) => tool.function.name);
      expect(names).toEqual(['bash', 'read_file', 'write_file', 'edit_file']);
    });

    it('bash: output and exit code; a timeout ends the command, and partial output comes back', async () => {
      const [fine, bad, late] = await use(
        ['bash', { command: 'echo out; echo err >&2; exit 3' }],
        ['bash', { cmd: 'ls' }],
        ['bash', { command: 'echo begun; sleep 60', timeout: 0.3 }],
      );
      expect(fine).toMatchObject({ result: 'out\nerr\n[exit code 3]', is_error: false });
      expect(bad).toMatchObject({ is_error: true, result: expect.stringContaining('"cmd"') });
      expect(late).toMatchObject({ result: 'begun\n[ended: it ran longer than 0.3 s]', is_error: true });
    });

    it('bash: what it wrote too much loses its middle', async () => {
      const { result } = await one('bash', { command: 'echo first; yes | head -c 2000000; echo last' });
      expect(result.length).toBeLessThanOrEqual(30_000);
      expect(result).toMatch(
        /^first\n(y\n)+\n?\[\.\.\. \d+ [a-z ]+ left out \.\.\.\]\n[\s\S]*last\n\[exit code 0\]$/,
      );
    });

    it('read_file: whole, in parts, and what is missing is said', async () => {
      await write('f', Array.from({ length: 5 }, (_, n) => `line ${n + 1}\n`).join(''));
      await write('none', '');
      await write('wide', `${'w'.repeat(20_000)}\n${'x'.repeat(20_000)}\n`);
      await write('bytes', '\0');
      const results = await use(
        ['read_file', { path: 'f' }],
        ['read_file', { path: 'f', offset: 2, limit: 2 }],
        ['read_file', { path: `${sandbox.workspace}/f`, offset: 5 }],
        ['read_file', { path: 'f', offset: 6 }],
        ['read_file', { path: 'none' }],
        ['read_file', { path: 'wide' }],
        ['read_file', { path: 'bytes' }],
        ['read_file', { path: 'nowhere' }],
        ['read_file', { path: '../f' }],
        ['read_file', { path: '/etc/passwd' }],
      );
      const [whole, part, last, beyond, empty, wide, ...errors] = results.map(({ result }) => result);
      expect(whole).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n');
      expect(part).toBe('line 2\nline 3\n[lines 2 to 3 of 5; go on with offset 4]');
      expect(last).toBe('line 5\n[lines 5 to 5 of 5]');
      expect(beyond).toContain('f has 5 lines');
      expect(empty).toBe('[none is empty]');
      expect(wide).toMatch(/^w+\n\[lines 1 to 1 of 2; go on with offset 2\]$/);
      expect(errors.map((error) => error.split(':')[0])).toEqual([
        'UsageError',
        'NotFoundError',
        'UnsafePathError',
        'UnsafePathError',
      ]);
    });

    it('write_file and edit_file: exact bytes, unique unless replace_all, mode kept', async () => {
      await sandbox.run({
        id: 'mk',
        cmd: 'printf "#!/bin/sh\\necho a\\n" > x.sh; chmod 755 x.sh',
        timeout: 20,
      });
      const results = await use(
        ['write_file', { path: 'd/f', content: 'a $& b\r\na\n' }],
        ['edit_file', { path: 'd/f', old_string: '$& b\r\n', new_string: "$1 $' é\r\n" }],
        ['edit_file', { path: 'd/f', old_string: 'a', new_string: 'c' }],
        ['edit_file', { path: 'd/f', old_string: 'a', new_string: 'c', replace_all: true }],
        ['edit_file', { path: 'd/f', old_string: '\nc', new_string: '\nd' }],
        ['edit_file', { path: 'd/f', old_string: 'é \nd', new_string: '' }],
        ['edit_file', { path: 'd/f', old_string: '', new_string: 'x' }],
        ['edit_file', { path: 'd/f', old_string: 'd', new_string: 'd' }],
        ['edit_file', { path: 'nowhere', old_string: 'd', new_string: 'x' }],
        ['edit_file', { path: 'x.sh', old_string: 'echo a', new_string: 'echo b' }],
        ['bash', { command: './x.sh' }],
      );
      expect(results.map(({ result }) => result)).toEqual([
        'wrote 10 bytes to d/f',
        'edited d/f',
        'UsageError: old_string occurs 2 times in d/f: add lines around it until it occurs once, or set replace_all',
        'edited d/f in 2 places',
        'edited d/f',
        'UsageError: old_string does not occur in d/f: it does but for whitespace or line ends, which must match exactly',
        expect.stringContaining('old_string is empty'),
        expect.stringContaining('the same'),
        expect.stringContaining('NotFoundError'),
        'edited x.sh',
        'b\n[exit code 0]',
      ]);
      expect(await text('d/f')).toBe("c $1 $' é\r\nd\n");
    });

    const edit = { path: 'f', old_string: 'x', new_string: 'xx' };
    const hooks = { sandbox: () => sandbox };
    const results = () => loop.events.flatMap((event) => (event.type === 'tool_call' ? [event.result] : []));

    it('an edit is made once if the process dies after it, and told as made', async () => {
      await write('f', 'x\n');
      const script = [{ calls: [['edit_file', edit]] as const }, 'end'];
      await expect(loop.run(script, { hooks, dieAt: 'tool.0.0' })).rejects.toBeInstanceOf(Killed);
      expect(await text('f')).toBe('xx\n');
      await loop.run(script, { hooks });
      expect(await text('f')).toBe('xx\n');
      expect(results()).toEqual(['edited f']);
    });

    it('an edit is made if the process dies before it, though planned', async () => {
      await write('f', 'x\n');
      const script = [{ calls: [['edit_file', edit]] as const }, 'end'];
      const dying: Sandbox = {
        ...sandbox,
        writeFile: async () => {
          throw Object.assign(new Killed(), { code: 'none' });
        },
      };
      await loop.run(script, { hooks: { sandbox: () => dying } });
      expect(loop.entries.has('plan.tool.0.0')).toBe(true);
      for (const key of ['tool.0.0', 'turn.1']) loop.entries.delete(key);
      loop.events = [];
      await loop.run(script, { hooks });
      expect(await text('f')).toBe('xx\n');
      expect(results()).toEqual(['edited f']);
    });

    it('an edit that something else got in the way of is told, not made twice', async () => {
      await write('f', 'x\n');
      const script = [{ calls: [['edit_file', edit]] as const }, 'end'];
      await expect(loop.run(script, { hooks, dieAt: 'tool.0.0' })).rejects.toBeInstanceOf(Killed);
      await write('f', 'x and more\n');
      await loop.run(script, { hooks });
      expect(await text('f')).toBe('x and more\n');
      expect(results()).toEqual([expect.stringContaining('changed by something else')]);
    });

    it('a command runs once if the process dies after it', async () => {
      const script = [{ calls: [['bash', { command: 'echo ran >> log; cat log' }]] as const }, 'end'];
      await expect(loop.run(script, { hooks, dieAt: 'tool.0.0' })).rejects.toBeInstanceOf(Killed);
      // The loop's own work id: the one that the commands' ids come from.
      await loop.run(script, { hooks });
      expect(results()).toEqual(['ran\n[exit code 0]']);
    });
  });
}
