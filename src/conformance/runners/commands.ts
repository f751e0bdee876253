import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { refused } from './bench.ts';
import type { RunnerCase } from './place.ts';

const SECRET = 'FLATMACHINE_CONFORMANCE_SECRET';

/** How a command is started, and what comes back. */
export const commandCases: readonly RunnerCase[] = [
  {
    name: 'stdout, stderr and the return code come back, each where it belongs',
    async run(bench) {
      const slot = await bench.slot();
      const { duration_ms, ...rest } = await slot.exec('echo out; echo err >&2; exit 3');
      assert.deepEqual(rest, {
        output: 'out\nerr\n',
        stdout: 'out\n',
        stderr: 'err\n',
        returncode: 3,
        timed_out: false,
        truncated: false,
        bytes: { stdout: 4, stderr: 4 },
        outcome: 'nonzero',
        blame: 'policy',
        trainable: true,
        replayed: false,
      });
      assert.ok(duration_ms >= 0 && duration_ms < 5000, `it took ${duration_ms} ms`);
    },
  },
  {
    name: 'a command without output is just as good',
    async run(bench) {
      const { output, bytes, returncode, outcome, blame, trainable } = await (await bench.slot()).exec(
        'true',
      );
      assert.deepEqual(
        { output, bytes, returncode, outcome, blame, trainable },
        {
          output: '',
          bytes: { stdout: 0, stderr: 0 },
          returncode: 0,
          outcome: 'ok',
          blame: null,
          trainable: true,
        },
      );
    },
  },
  {
    name: 'a signal is 128 + n, every return code is its own, a missing program is 127',
    async run(bench) {
      const slot = await bench.slot();
      const code = async (command: Parameters<typeof slot.exec>[0]) => (await slot.exec(command)).returncode;
      assert.equal(await code('kill -TERM $$'), 143);
      assert.equal(await code('kill -KILL $$'), 137);
      assert.equal(await code('exit 255'), 255);
      assert.equal(await code('exit 126'), 126);
      assert.equal(await code('no-such-program'), 127);
      assert.equal(await code({ argv: ['no-such-program'] }), 127);
    },
  },
  {
    name: 'the workspace is where commands start and where they can write; `cwd` is relative to it',
    async run(bench) {
      const slot = await bench.slot();
      assert.equal(await slot.sh('pwd'), `${slot.workspace}\n`);
      await slot.sh('mkdir -p "a b/ü"');
      assert.equal((await slot.exec({ cmd: 'pwd', cwd: 'a b/ü' })).stdout, `${slot.workspace}/a b/ü\n`);
      assert.equal((await slot.exec({ cmd: 'pwd', cwd: '.' })).stdout, `${slot.workspace}\n`);
      assert.equal((await slot.exec({ cmd: 'pwd', cwd: 'missing' })).outcome, 'nonzero');
      await slot.sh('true');
    },
  },
  {
    name: 'argv is taken as it is',
    async run(bench) {
      const slot = await bench.slot();
      const words = [
        'a b',
        'x\ny',
        `q'"\\`,
        '$(touch pwned)',
        '`touch pwned`',
        '',
        '*',
        '-n',
        'über 🚀',
        '\t',
        '$HOME',
      ];
      const { stdout } = await slot.exec({ argv: ['printf', '[%s]', ...words] });
      assert.equal(stdout, words.map((word) => `[${word}]`).join(''));
      assert.equal(await slot.sh('ls'), '');
      assert.equal(
        (await slot.exec({ argv: ['/bin/sh', '-c', 'echo "$0 $1"', 'it', 'works'] })).stdout,
        'it works\n',
      );
    },
  },
  {
    name: 'exactly one of cmd and argv is asked for',
    async run(bench) {
      const slot = await bench.slot();
      await refused(slot.exec({}));
      await refused(slot.exec({ cmd: 'true', argv: ['true'] }));
      await refused(slot.exec({ argv: [] }));
    },
  },
  {
    name: 'a command may have lines, quotes and here-documents, and ends where its text ends',
    async run(bench) {
      const slot = await bench.slot();
      const script = `x='it''s'\ncat <<'EOF'\n$x "quoted" \\n \`no\`\nEOF\ncat <<EOF\n$x\nEOF\nfor i in 1 2; do\n  printf '%s;' $i\ndone # no newline after this`;
      assert.equal(await slot.sh(script), '$x "quoted" \\n `no`\nits\n1;2;');
      assert.equal((await slot.exec('echo "unfinished')).outcome, 'nonzero');
      for (const broken of ['if true; then', ')', '}', 'cat <<E', "'", 'exit 0; }\necho']) {
        assert.notEqual((await slot.exec(broken)).outcome, 'sandbox_lost', broken);
      }
      assert.equal(await slot.sh('echo fine'), 'fine\n');
    },
  },
  {
    name: 'a command may be 120 KB long, and even 1 MB',
    async run(bench) {
      const slot = await bench.slot();
      for (const size of [120_000, 1_000_000]) {
        const lines = `: ${'ü'.repeat(45)}\n`.repeat(Math.ceil(size / 92));
        assert.equal(await slot.sh(`${lines}echo "all of it"`), 'all of it\n', `${size} bytes`);
      }
    },
  },
  {
    name: 'variables arrive as they are, and cannot be anything but variables',
    async run(bench) {
      const slot = await bench.slot();
      const value = `a b\n'"\\ $(touch pwned) \`id\` 🚀`;
      const { stdout } = await slot.exec({
        cmd: 'printf %s "$ODD"; printf %s "$EMPTY-"',
        env: { ODD: value, EMPTY: '' },
      });
      assert.equal(stdout, `${value}-`);
      await refused(slot.exec({ cmd: 'true', env: { 'X;touch pwned;Y': '1' } }));
      assert.equal(await slot.sh('ls; echo "[$ODD]"'), '[]\n');
    },
  },
  {
    name: 'variables of the environment reach every command, and a command’s own go before them',
    async run(bench) {
      const spec = bench.place.spec(bench.freshId());
      const box = bench.keep(
        await bench.place.runner.create({ ...spec, env: { FROM_SPEC: 'a b', OVER: 'spec' } }),
      );
      const slot = await bench.slot(box);
      assert.equal(
        (await slot.exec({ cmd: 'echo "$FROM_SPEC $OVER"', env: { OVER: 'own' } })).stdout,
        'a b own\n',
      );
      const other = await bench.again(box);
      assert.equal(await slot.with({ environment: other }).sh('echo "$FROM_SPEC $OVER"'), 'a b spec\n');
    },
  },
  {
    name: 'nothing of the orchestrator’s own variables can be seen',
    async run(bench) {
      process.env[SECRET] = 'the-secret';
      try {
        const slot = await bench.slot(await bench.box());
        const own = (await slot.exec('env; set; cat /proc/self/environ')).output;
        assert.match(own, /^PATH=/m);
        assert.doesNotMatch(own, /the-secret/);
        // Nor may what started the command have them: a process of the same user can read that.
        const ancestors = await slot.exec(
          'pid=$$; while [ "$pid" -ge 1 ]; do cat "/proc/$pid/environ"; pid=$(sed "s/.*) . //; s/ .*//" "/proc/$pid/stat"); done',
        );
        assert.doesNotMatch(ancestors.output, /the-secret/);
      } finally {
        delete process.env[SECRET];
      }
    },
  },
  {
    name: 'stdin is empty unless given, and binary when given',
    async run(bench) {
      const slot = await bench.slot();
      assert.equal(await slot.sh('wc -c'), '0\n');
      const stdin = Buffer.concat([
        Buffer.from('\0\n\r\n\xff\0', 'latin1'),
        randomBytes(300_000),
        Buffer.from('\n'),
      ]);
      const { stdout } = await slot.exec({ cmd: 'tee copy | wc -c', stdin });
      assert.equal(Number(stdout), stdin.length);
      assert.ok((await slot.download('copy')).equals(stdin), 'every byte arrives');
      assert.equal((await slot.exec({ cmd: 'cat', stdin: new Uint8Array() })).stdout, '');
    },
  },
  {
    name: 'stdin may be left unread',
    async run(bench) {
      const slot = await bench.slot();
      assert.equal(
        (await slot.exec({ cmd: 'head -c 3', stdin: Buffer.alloc(1_000_000, 'x') })).stdout,
        'xxx',
      );
      assert.equal(await slot.sh('echo after'), 'after\n');
    },
  },
  {
    name: 'ids that are no ids are refused, and touch nothing',
    async run(bench) {
      const slot = await bench.slot();
      for (const execId of ['', '..', '../x', 'a/b', 'a b', 'x\ny', '$(x)', 'é', 'x'.repeat(201)]) {
        await refused(slot.exec({ cmd: 'true', execId }));
      }
      for (const id of ['', '..', '../x', 'a/b', 'a b', 'x\ny', '*'])
        await refused(slot.environment.openSlot(id, 1));
      assert.equal((await slot.exec({ cmd: 'echo ok', execId: `${'x'.repeat(190)}._-Az09` })).stdout, 'ok\n');
    },
  },
];
