import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Children } from '../../src/cli/render/children.ts';
import { describeEvent, linesView } from '../../src/cli/render/lines.ts';
import { Progress } from '../../src/cli/render/progress.ts';
import { styles } from '../../src/cli/render/style.ts';
import { table } from '../../src/cli/render/table.ts';
import { clip, formatSpan, oneLine, printable, textWidth } from '../../src/cli/render/text.ts';
import { frame, treeView } from '../../src/cli/render/tree.ts';
import type { ExecutionEvent } from '../../src/events.ts';
import { build, CLI, directoryWith } from '../helpers/cli.ts';
import { FILES } from './machines.ts';

const ESC = '\u001b';
const event = (body: object): ExecutionEvent =>
  ({ time: '2026-01-01T00:00:00.000Z', execution_id: 'x1', step: 1, ...body }) as ExecutionEvent;

describe('text', () => {
  it('strips what a terminal would act upon', () => {
    const hostile = `a${ESC}[31mb${ESC}[0m${ESC}]0;title\u0007c${ESC}]8;;http://x${ESC}\\d${ESC}(Be\u0008\u009b2Jf\u202eg${ESC}P1$r${ESC}\\h${ESC}`;
    expect(printable(hostile)).toBe('abcde2Jfgh');
    expect(oneLine('progress 10%\rprogress 20%\r\n\tnext')).toBe('progress 10% progress 20% next');
  });

  it('measures and cuts by columns', () => {
    expect(textWidth('añ日本🙂é')).toBe(9);
    expect(clip('日本語', 5)).toBe('日本…');
    expect(clip('日本語', 4)).toBe('日…');
    expect(clip('abc', 3)).toBe('abc');
    expect(textWidth(clip('x'.repeat(1000), 7))).toBe(7);
  });

  it('prints spans of time', () => {
    expect([0, 999, 1000, 59_949, 59_960, 125_000, 3_840_000, 266_400_000].map(formatSpan)).toEqual([
      '0ms',
      '999ms',
      '1.0s',
      '59.9s',
      '1m00s',
      '2m05s',
      '1h04m',
      '3d02h',
    ]);
  });

  it('aligns a table by columns of the terminal', () => {
    const text = table(
      [{ title: 'A' }, { title: 'N', right: true }],
      [
        ['日本', '1'],
        ['x', '100'],
      ],
    );
    expect(text).toBe('A       N\n日本    1\nx     100\n');
  });
});

describe('lines', () => {
  it('name the execution when it is not the root', () => {
    let text = '';
    const view = linesView((more) => {
      text += more;
    });
    view.event(event({ type: 'execution_start', machine: 'm', resumed: false, from_step: 0 }));
    view.event(event({ type: 'state_enter', execution_id: 'x1.1.0', state: 'leaf', step: 1 }));
    view.event(event({ type: 'transition', state: 'all', to: 'done' }));
    expect(text).toBe(
      '00:00:00    1 m: started\n00:00:00  x1.1.0    1 leaf  entered\n00:00:00    1 all  → done\n',
    );
  });

  it('show what agents and tools did, turn by turn', () => {
    const call = { agent: 'solver', call: 'turn.1', duration_ms: 1234 };
    const usage = { input_tokens: 1200, output_tokens: 34 };
    expect(
      [
        event({ type: 'agent_call', ...call, usage, cost: 0.0021, finish_reason: 'tool-calls' }),
        event({ type: 'agent_call', ...call, error_type: 'RateLimitError', error: `slow${ESC}[31m down` }),
        event({
          type: 'tool_call',
          tool: 'bash',
          call_id: 'c1',
          arguments: { command: `ls\n${ESC}[2J` },
          is_error: false,
          duration_ms: 12,
          result: 'x',
        }),
      ].map(describeEvent),
    ).toEqual([
      'solver turn.1: tool-calls (1200 in, 34 out, cost 0.0021, 1.2s)',
      'solver turn.1: ✖ RateLimitError: slow down',
      'bash {"command":"ls\\n\\u001b[2J"} done (12ms)',
    ]);
  });
});

describe('the tree', () => {
  const canvas = { columns: 40, rows: 10, now: Date.parse('2026-01-01T00:00:05.000Z'), style: styles(false) };

  it('never outgrows its canvas, whatever the run does', () => {
    const progress = new Progress();
    progress.apply(
      event({ type: 'execution_start', machine: 'm'.repeat(300), resumed: false, from_step: 0 }),
    );
    for (let i = 0; i < 2000; i++) {
      progress.apply(event({ type: 'state_enter', state: `state-日本-${i}-${'y'.repeat(i % 90)}`, step: i }));
    }
    progress.apply(
      event({ type: 'command_start', exec_id: 'c', command: 'echo\n'.repeat(500), joined: false }),
    );
    progress.apply(
      event({
        type: 'command_output',
        exec_id: 'c',
        stream: 'stdout',
        text: `${ESC}[2J${'z'.repeat(9999)}\n`,
      }),
    );
    for (const rows of [4, 10, 50]) {
      const lines = frame(progress, new Children(), { ...canvas, rows });
      expect(lines.length).toBeLessThanOrEqual(rows);
      expect(
        lines.every(({ text }) => textWidth(text) <= 40 && !text.includes(ESC) && !text.includes('\n')),
      ).toBe(true);
      expect(lines.some(({ text }) => /● state-日本-1999/.test(text))).toBe(true);
    }
    expect(
      frame(progress, new Children(), canvas)
        .map(({ text }) => text)
        .join('\n'),
    ).toMatch(/… 199\d earlier/);
  });

  it('shows what happened to each state', () => {
    const progress = new Progress();
    progress.apply(event({ type: 'execution_start', machine: 'm', resumed: true, from_step: 0 }));
    progress.apply(event({ type: 'state_enter', state: 'one' }));
    progress.apply(
      event({
        type: 'slot_acquired',
        slot_id: 's1',
        runner: 'local',
        environment_id: 'e',
        isolation: 'none',
        wait_ms: 1,
      }),
    );
    progress.apply(
      event({ type: 'state_exit', state: 'one', duration_ms: 1, time: '2026-01-01T00:00:01.500Z' }),
    );
    progress.apply(event({ type: 'state_enter', state: 'two', time: '2026-01-01T00:00:01.500Z', step: 2 }));
    progress.apply(
      event({
        type: 'error',
        state: 'two',
        error_type: 'TypeError',
        message: 'no',
        time: '2026-01-01T00:00:02.500Z',
      }),
    );
    progress.apply(event({ type: 'state_enter', state: 'three', time: '2026-01-01T00:00:02.500Z', step: 3 }));
    const lines = frame(progress, new Children(), { ...canvas, columns: 100 }).map(({ text }) => text);
    expect(lines).toEqual([
      'm  x1  ·  resumed  ·  local/none  slot s1  ·  step 3  ·  5s',
      '  ✔ one       1.5s',
      '  ✖ two       1.0s  TypeError: no',
      '  ● three     2s',
    ]);
  });

  it('draws children that run under their parents, and counts the others', () => {
    const progress = new Progress();
    const children = new Children();
    const apply = (body: object) => {
      const one = event(body);
      if (one.execution_id === 'x1') progress.apply(one);
      children.apply(one);
    };
    apply({ type: 'execution_start', machine: 'm', resumed: false, from_step: 0 });
    apply({ type: 'state_enter', state: 'all' });
    for (let i = 0; i < 10_000; i++) {
      const child = `x1.1.${i}`;
      apply({ type: 'child_start', child, machine: 'leaf', resumed: false });
      if (i >= 9_998) continue;
      const status = i === 7 ? 'failed' : i < 20 ? 'waiting' : 'completed';
      apply({ type: 'execution_end', execution_id: child, status });
      apply({ type: 'child_end', child, status });
    }
    apply({ type: 'child_start', child: 'x1.1.8', machine: 'leaf', resumed: true });
    apply({ type: 'state_enter', execution_id: 'x1.1.9998', state: `test${ESC}[2J`, step: 2 });
    apply({
      type: 'child_start',
      execution_id: 'x1.1.9998',
      child: 'x1.1.9998.2.0',
      machine: 'deep',
      resumed: false,
    });
    apply({
      type: 'agent_output',
      execution_id: 'x1.1.9999',
      agent: 'a',
      call: 'call.0',
      text: 'one\nthinking',
    });
    const lines = frame(progress, children, { ...canvas, columns: 100, rows: 12 }).map(({ text }) => text);
    expect(lines.slice(2)).toEqual([
      '    ● x1.1.9998 (leaf)  test  step 2  5s',
      '      ● x1.1.9998.2.0 (deep)  step 0',
      '    ● x1.1.9999 (leaf)  step 1  5s  thinking',
      '    ● x1.1.8 (leaf)  step 0',
      '    children: 4 running · 18 waiting · 1 failed · 9978 completed',
    ]);
    for (const rows of [4, 6, 9]) {
      const few = frame(progress, children, { ...canvas, rows });
      expect(few.length).toBeLessThanOrEqual(rows);
      expect(few.some(({ text }) => /● all/.test(text))).toBe(true);
    }
  });

  it('says what a run that parks waits for', () => {
    const progress = new Progress();
    progress.apply(event({ type: 'execution_start', machine: 'm', resumed: false, from_step: 0 }));
    progress.apply(event({ type: 'state_enter', state: 'ask' }));
    progress.apply(event({ type: 'waiting', channel: `door${ESC}[2J` }));
    progress.apply(event({ type: 'execution_end', status: 'waiting' }));
    const lines = frame(progress, new Children(), { ...canvas, columns: 100 }).map(({ text }) => text);
    expect(lines[1]).toMatch(/^ {2}◌ ask .* waiting for a signal on door$/);
  });

  it('draws at most ten times a second, and writes nothing when nothing changed', async () => {
    let writes = 0;
    const view = treeView({ write: () => writes++, columns: 80, rows: 24, isTTY: true });
    const until = Date.now() + 500;
    while (Date.now() < until) {
      view.event(event({ type: 'log', level: 'info', message: String(Math.random()) }));
      await new Promise(setImmediate);
    }
    view.close();
    expect(writes).toBeGreaterThan(1);
    expect(writes).toBeLessThanOrEqual(8);
    const after = writes;
    view.close();
    expect(writes).toBe(after);
  });
});

describe('the tree in a real terminal', () => {
  let cwd: string;
  beforeAll(async () => {
    await build();
    cwd = directoryWith(FILES);
  });
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  /** What the run writes to a pseudo-terminal of 60 × 12; stdout goes to a file, then follows. */
  async function inTerminal(args: string, env: Record<string, string> = {}): Promise<string> {
    const command = `stty cols 60 rows 12; "${process.execPath}" "${CLI}" ${args} > out.txt; echo "code $?"; cat out.txt`;
    const child = spawn('script', ['-qec', `bash -c '${command.replaceAll("'", `'\\''`)}'`, '/dev/null'], {
      cwd,
      env: { ...process.env, TERM: 'xterm-256color', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    await new Promise((resolve) => child.on('close', resolve));
    return text.replaceAll('\r\n', '\n');
  }

  it('draws, restores the cursor, and leaves the result alone', async () => {
    const text = await inTerminal(`run worker.yml --id t1 --input '{"times":2,"action":"print","ms":250}'`);
    expect(text).toContain(`${ESC}[?25l`);
    expect(text).toMatch(/● work/);
    expect(text).toMatch(/✔ done/);
    expect(text).toContain('printed by a hook');
    expect(text.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(text.lastIndexOf(`${ESC}[?25l`));
    expect(text).toMatch(/completed {2}t1 {2}3 steps\ncode 0\n\{\n {2}"visited": 2\n\}\n$/);
  });

  it('restores the cursor after a crash', async () => {
    const text = await inTerminal(`run worker.yml --input '{"times":1,"action":"crash","ms":300}'`);
    expect(text).toContain('code 1');
    expect(text.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(text.lastIndexOf(`${ESC}[?25l`));
  });

  it('respects NO_COLOR and a dumb terminal', async () => {
    const colour = new RegExp(`${ESC}\\[(1|2|3[0-9])m`);
    const run = 'run hello.yml';
    expect(await inTerminal(run)).toMatch(colour);
    expect(await inTerminal(run, { NO_COLOR: '1' })).not.toMatch(colour);
    const dumb = await inTerminal(run, { TERM: 'dumb' });
    expect(dumb).not.toContain(ESC);
    expect(dumb).toMatch(/hello: started/);
  });
});
