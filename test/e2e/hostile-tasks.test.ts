import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../helpers/components.ts';
import { peakMemory } from '../helpers/memory.ts';
import { RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

const AGENTS = { solve: [{ cmd: 'true' }] };

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `tasks that mean ill on ${runner.name}`, runner.found, () => {
    let place: RolloutPlace;
    let count = 0;
    beforeAll(() => {
      place = new RolloutPlace(runner);
    });
    afterAll(() => place.dispose());

    /** A rollout that must be refused before anything is created, saying this. */
    async function refused(task: string, why: RegExp, input = {}): Promise<void> {
      const running = await place.start(`refused-${++count}`, { task, ...input });
      const peak = await peakMemory(running);
      const { code, stdout, stderr } = await running.ended;
      expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' });
      const error = stderr.slice(stderr.lastIndexOf('\nerror: ') + 1);
      expect(error).toMatch(why);
      expect(stderr, error).toContain('load  entered');
      expect(stderr, error).not.toMatch(/acquire {2}entered|this is a bug|SQLITE|\bat .*\.[jt]s:/);
      expect(peak).toBeLessThan(400);
    }

    it.each(['../evil.txt', 'a/../../evil.txt', '/etc/evil', '..', '.', '', 'a\u0000b'])(
      'refuses the workspace path %j',
      async (path) => {
        await refused(
          place.task(`paths-${++count}`, { agents: AGENTS, workspace: { [path]: 'x' } }),
          /paths-\d+\.yml: (workspace|tests): /,
        );
        await refused(
          place.task(`paths-${++count}`, { agents: AGENTS, tests: { [path]: 'x' } }),
          /paths-\d+\.yml: (workspace|tests): /,
        );
      },
    );

    it('refuses links, FIFOs, names that are no text, and files too large to carry, naming each', async () => {
      const directory = (name: string) => {
        mkdirSync(join(place.directory, name));
        return place.task(`${name}-task`, { agents: AGENTS, workspace: name });
      };
      const link = directory('link');
      symlinkSync('/etc/passwd', join(place.directory, 'link', 'innocent.txt'));
      await refused(link, /link\/innocent\.txt is neither a file nor a directory/);
      const linked = directory('linked');
      symlinkSync('/etc', join(place.directory, 'linked', 'etc'));
      await refused(linked, /linked\/etc is neither/);
      const fifo = directory('fifo');
      spawnSync('mkfifo', [join(place.directory, 'fifo', 'pipe')]);
      await refused(fifo, /fifo\/pipe is neither/);
      const name = directory('name');
      writeFileSync(
        Buffer.concat([Buffer.from(join(place.directory, 'name/')), Buffer.from([0x66, 0xff])]),
        '',
      );
      await refused(name, /name\/f\ufffd/);
      const large = directory('large');
      writeFileSync(join(place.directory, 'large', 'sparse.bin'), '');
      truncateSync(join(place.directory, 'large', 'sparse.bin'), 3 * 1024 ** 3);
      await refused(large, /more than 64 MiB/);
    });

    it('refuses garbage for a task file, with its place', async () => {
      const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((n, i) => `${n}: &${n} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`).join('\n')}\nname: x\n`;
      const garbage: [string, string | Uint8Array, RegExp][] = [
        ['empty.yml', '', /empty\.yml: must be a map/],
        ['list.yml', '- a\n', /list\.yml: must be a map, not a list/],
        ['syntax.yml', 'name: "x\nverify: {', /syntax\.yml.*line \d/s],
        ['binary.yml', Uint8Array.from({ length: 4096 }, (_, n) => (n * 7919) % 256), /binary\.yml/],
        ['unknown.yml', 'name: x\nverfy: {cmd: x}\n', /unknown\.yml: has the unknown field "verfy"/],
        ['bomb.yml', bomb, /bomb\.yml/],
        ['proto.yml', '__proto__: {name: x}\nverify: {cmd: "true"}\n', /proto\.yml/],
        [
          'turns.yml',
          'name: x\nverify: {cmd: "true"}\nagents: {solve: [{cmd: 5}]}\nworkspace: {}\ntests: {}\n',
          /turns\.yml.*turn 1/,
        ],
        [
          'inf.yml',
          'name: x\nverify: {cmd: "true", timeout: .inf}\nagents: {solve: [{cmd: x}]}\nworkspace: {}\ntests: {}\n',
          /inf\.yml/,
        ],
      ];
      for (const [file, content, why] of garbage) {
        place.write(file, content);
        await refused(file, why);
      }
      await refused('absent.yml', /no task at .*absent\.yml/);
      await refused(place.task('agent', { agents: AGENTS }), /no name of an agent/, {
        agent: '../../etc/passwd',
      });
      await refused(place.task('proto', { agents: AGENTS }), /there is no agent "constructor"/, {
        agent: 'constructor',
      });
    });

    it('carries files with odd names and contents, byte for byte', async () => {
      const names = [
        '-rf',
        'a b',
        '$(touch pwned)',
        'quo\'te"s',
        'new\nline',
        'tab\t',
        'é漢字😀',
        '*',
        'a\\b',
        ';ls',
        '.hidden',
        '~',
        'x'.repeat(200),
      ];
      const workspace = Object.fromEntries(names.map((name) => [`odd/${name}`, `in ${name}\n`]));
      const task = place.task('odd', {
        workspace,
        tests: Object.fromEntries(names.map((name) => [`t/${name}`, name])),
        agents: { solve: [{ cmd: 'find . -type f | wc -l' }] },
        verify: {
          cmd: `count() { find "$1" -type f -exec echo x ';' | wc -l; }; test $(count odd) -eq ${names.length} && test $(count "$TESTS/t") -eq ${names.length} && test ! -e pwned && cat odd/* odd/.hidden | wc -c`,
        },
      });
      expect(resultOf(await place.run('odd', { task }))).toMatchObject({ reward: 1 });
      expect(await place.leftovers()).toEqual([]);
    });

    it('bounds a recording of 10,000 turns by max_turns, and does not read it again for each', {
      timeout: 60_000,
    }, async () => {
      const turns = Array.from({ length: 10_000 }, (_, n) => ({
        note: `turn ${n}`,
        cmd: `echo ${n} >> journal.log`,
      }));
      mkdirSync(join(place.directory, 'agents'));
      place.write(
        'agents/solve.yml',
        turns.map(({ note, cmd }) => `- note: ${note}\n  cmd: ${cmd}\n`).join(''),
      );
      const task = place.task('long', { agents: 'agents', max_turns: 40, trace: 'journal.log' });
      const result = resultOf(await place.run('long', { task }));
      expect(result).toMatchObject({ reward: 1, turns: 40 });
      expect(result.trace).toHaveLength(40);
      expect((result.timings as { execute_ms: number }).execute_ms).toBeLessThan(4000);
      expect(await place.leftovers()).toEqual([]);
    });

    it('reads no file of the host for a trace that leads out of the workspace', async () => {
      for (const trace of ['../../../../../../../../etc/passwd', '/etc/passwd', 'link']) {
        const agents = { solve: [{ cmd: 'ln -s /etc/passwd link' }] };
        const task = place.task('trace', { agents, trace });
        const ended = await place.run(`trace-${++count}`, { task });
        expect(ended.stdout).not.toContain('root:');
        expect(resultOf(ended)).toMatchObject({ reward: 1, trace: null });
      }
      expect(await place.leftovers()).toEqual([]);
    });
  });
}
