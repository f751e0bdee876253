import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlatMachineError } from '../../src/errors.ts';
import { lintMachine, loadMachineFile, loadMachineObject } from '../../src/machine/index.ts';
import { load, machine, places, scratch } from './helpers.ts';

describe('loading a file', () => {
  it('gives the same configuration for YAML and JSON', async () => {
    const config = {
      spec: 'flatmachine',
      data: { context: { a: [1, -2.5, true, null, 'é\n😀'] }, states: { z: {} } },
    };
    const json = await load(JSON.stringify(config, null, 2), 'm.json');
    expect(json.config).toEqual(config);
    const yaml = await load(
      'spec: flatmachine\ndata:\n  context:\n    a: [1, -2.5, true, null, "é\\n😀"]\n  states: {z: {}}',
    );
    expect(yaml.config).toEqual(config);
  });

  it('knows the place of every key and value, in YAML and in JSON', async () => {
    const yaml = await load('a:\n  - b: 1\n    c: "t"\n  - |\n    text\nd: {e: f}\n');
    const at = (path: (string | number)[], part?: 'key' | 'value' | 'text') => {
      const { line, column } = yaml.locate(path, part);
      return `${line}:${column}`;
    };
    expect(at(['a'], 'key')).toBe('1:1');
    expect(at(['a', 0, 'c'], 'key')).toBe('3:5');
    expect(at(['a', 0, 'c'])).toBe('3:8');
    expect(at(['a', 0, 'c'], 'text')).toBe('3:9');
    expect(at(['a', 1])).toBe('4:5');
    expect(at(['a', 1], 'text')).toBe('5:5');
    expect(at(['d', 'e'])).toBe('6:8');
    expect(at(['d', 'missing', 'deeper'])).toBe('6:1');
    expect(at([])).toBe('1:1');
    const json = await load('{\n  "a": [\n    {"b": 1}\n  ]\n}', 'm.json');
    expect(json.locate(['a', 0, 'b'])).toMatchObject({ line: 3, column: 11 });
  });

  it('places a merged or aliased value where it is written', async () => {
    const loaded = await load('base: &b\n  x: 1\nuse:\n  <<: *b\n  y: 2\nalso: *b\n');
    expect(loaded.config).toEqual({ base: { x: 1 }, use: { x: 1, y: 2 }, also: { x: 1 } });
    expect(loaded.locate(['use', 'x'])).toMatchObject({ line: 2, column: 6 });
    expect(loaded.locate(['also', 'x'])).toMatchObject({ line: 2, column: 6 });
  });

  it('lets own keys win over merged ones, and earlier merges over later', async () => {
    const loaded = await load('a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n');
    expect((loaded.config as { c: unknown }).c).toEqual({ x: 3, y: 1, z: 2 });
  });

  it('keeps keys as they are written', async () => {
    const loaded = await load('010: a\n1.0: b\ntrue: c\n"q": d\n: e\n');
    expect(Object.keys(loaded.config as object)).toEqual(['010', '1.0', 'true', 'q', '']);
  });

  it('reports several faults at once, each with its place', async () => {
    const loaded = await load('a: [1, 2\nb: }\nc: "x\n');
    expect(loaded.diagnostics.length).toBeGreaterThan(1);
    expect(loaded.readable).toBe(false);
    expect(new Set(loaded.diagnostics.map((one) => one.code))).toEqual(new Set(['yaml-syntax']));
    const twice = await load('a: 1\na: 2\nb: {c: 1, c: 2}\n');
    expect(places(twice.diagnostics)).toEqual(['2:1 duplicate-key', '3:11 duplicate-key']);
    expect(twice.config).toEqual({ a: 1, b: { c: 1 } });
  });

  it.each([
    ['{"a": 1,}', '1:9'],
    ['{"a": [1, 2}', '1:12'],
    ["{'a': 1}", '1:2'],
    ['{"a": 01}', '1:8'],
    ['{"a": 1} // done', '1:10'],
    ['a: 1', '1:1'],
    ['{"a"\n 1}', '2:2'],
    ['[1] [2]', '1:5'],
    ['{"a": "x\ty"}', '1:7'],
    ['["\\x"]', '1:2'],
    ['', '1:1'],
  ])('takes nothing but JSON in a .json file: %j', async (text, place) => {
    expect(() => JSON.parse(text)).toThrow();
    const loaded = await load(text, 'm.json');
    expect(places(loaded.diagnostics)).toEqual([`${place} yaml-syntax`]);
  });

  it('agrees with JSON.parse about what JSON is, and means', async () => {
    const file = join(scratch(), 'x.json');
    const texts = fc.oneof(
      fc.json(),
      fc
        .array(
          fc.constantFrom(
            '{',
            '}',
            '[',
            ']',
            ',',
            ':',
            '"a"',
            '1',
            '-',
            '.5',
            'e1',
            'null',
            ' ',
            '\n',
            'x',
            '"',
            '\\',
          ),
        )
        .map((all) => all.join('')),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        writeFileSync(file, text);
        const loaded = await loadMachineFile(file);
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          expect(loaded.readable).toBe(false);
          return;
        }
        if (loaded.diagnostics.length === 0)
          expect(JSON.stringify(loaded.config)).toBe(JSON.stringify(parsed));
      }),
      { numRuns: 500 },
    );
  });

  it('says so when there is no such file, or it is a directory', async () => {
    const missing = loadMachineFile(join(scratch(), 'none.yml'));
    await expect(missing).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(loadMachineFile(scratch())).rejects.toBeInstanceOf(FlatMachineError);
  });

  it('names itself after the file, and stands in its directory', async () => {
    const loaded = await load('spec: flatmachine', 'my.flow.yml');
    expect(loaded.defaultName).toBe('my.flow');
    expect(basename(loaded.file as string)).toBe('my.flow.yml');
    expect(loaded.dir).toBe(dirname(loaded.file as string));
  });

  it('reads a pipe', async () => {
    const fifo = join(scratch(), 'pipe');
    execFileSync('mkfifo', [fifo]);
    execFileSync('sh', ['-c', 'echo "a: 1" > "$0" &', fifo], { stdio: 'ignore' });
    expect((await loadMachineFile(fifo)).config).toEqual({ a: 1 });
  });
});

describe('hostile files', () => {
  it.each([
    [
      'a thousand million values',
      Array.from(
        { length: 10 },
        (_, i) =>
          `k${i}: &a${i} [${Array(10)
            .fill(i === 0 ? 'x' : `*a${i - 1}`)
            .join(', ')}]`,
      ).join('\n'),
    ],
    [
      'merges that multiply',
      Array.from(
        { length: 40 },
        (_, i) => `k${i}: &a${i} {p${i}: ${i === 0 ? 1 : `{a: *a${i - 1}, b: *a${i - 1}}`}}`,
      ).join('\n'),
    ],
    ['deep lists', '['.repeat(300) + ']'.repeat(300)],
    ['very deep lists', '['.repeat(100_000)],
    ['deep maps', '{a: '.repeat(5000) + '}'.repeat(5000)],
    ['deep blocks', Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['deep dashes', '- '.repeat(2000)],
  ])('%s: too large, said quickly', async (_, text) => {
    const start = performance.now();
    const loaded = await load(text);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(loaded.readable).toBe(false);
    expect(loaded.diagnostics.some((one) => one.code === 'too-large')).toBe(true);
  });

  it('refuses a file above 16 MiB unread', async () => {
    const loaded = await load(new Uint8Array(16 * 1024 * 1024 + 1).fill(32));
    expect(places(loaded.diagnostics)).toEqual(['1:1 too-large']);
  });

  it('stays linear in keys, duplicates and aliases', async () => {
    const lines = ['base: &b 1'];
    for (let i = 0; i < 30_000; i++) lines.push(`k${i}: *b`);
    for (let i = 0; i < 3000; i++) lines.push(`k${i}: 2`);
    const start = performance.now();
    const loaded = await load(lines.join('\n'));
    expect(performance.now() - start).toBeLessThan(5000);
    expect(loaded.diagnostics.length).toBe(3000);
  });

  it('takes an alias to itself, or to nothing, for a fault', async () => {
    expect((await load('a: &x [*x]')).diagnostics.map((one) => one.code)).toEqual(['yaml-syntax']);
    expect((await load('a: *nobody')).diagnostics.map((one) => one.code)).toEqual(['yaml-syntax']);
    expect((await load('a: {<<: 5}')).diagnostics.map((one) => one.code)).toEqual(['yaml-syntax']);
  });

  it('refuses what is not UTF-8, binary, or tagged for another program', async () => {
    expect((await load(new Uint8Array([0x61, 0x3a, 0x20, 0xff, 0xfe]))).readable).toBe(false);
    expect((await load('a: !!python/object/apply:os.system ["id"]')).readable).toBe(false);
  });

  it('keeps names of the prototype as data', async () => {
    const loaded = await load('__proto__: {polluted: 1}\nconstructor: 2\na: {__proto__: 3, toString: 4}\n');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(Object.keys(loaded.config as object)).toEqual(['__proto__', 'constructor', 'a']);
    expect(JSON.stringify(loaded.config)).toBe(
      '{"__proto__":{"polluted":1},"constructor":2,"a":{"__proto__":3,"toString":4}}',
    );
    expect(loaded.locate(['a', '__proto__'])).toMatchObject({ line: 3, column: 16 });
    expect(loaded.locate(['a', 'hasOwnProperty'])).toMatchObject({ line: 3, column: 1 });
  });

  it('never throws for garbage, nor does the linter', async () => {
    const file = join(scratch(), 'garbage.yml');
    const word = fc.constantFrom(
      ...[
        'spec: flatmachine\n',
        'data:\n',
        '  states:\n',
        '    a:\n',
        '      transitions:\n',
        '        - to: a\n',
        '  context: ',
        '&x ',
        '*x',
        '<<: ',
      ],
      ...[
        '{',
        '}',
        '[',
        ']',
        '- ',
        ': ',
        '\n',
        '  ',
        '"',
        "'",
        '|',
        '>',
        '#',
        '!!map ',
        '? ',
        '{{',
        '%}',
        '\t',
        '\u0000',
        '\ud800',
        '---\n',
        '__proto__: ',
        '0x',
        '.nan',
      ],
    );
    const garbage = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
      fc
        .array(word, { maxLength: 30 })
        .map((words) => `spec: flatmachine\ndata:\n  states:\n    a: ${words.join('')}`),
    );
    await fc.assert(
      fc.asyncProperty(garbage, async (text) => {
        writeFileSync(file, text);
        for (const one of lintMachine(await loadMachineFile(file))) {
          expect(one.location.line).toBeGreaterThan(0);
          expect(one.location.column).toBeGreaterThan(0);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('lints any JSON that calls itself a machine without throwing', async () => {
    const key = fc.constantFrom(
      'states',
      'context',
      'hooks',
      'agents',
      'machines',
      'transitions',
      'to',
      'type',
      'input',
      'on_error',
      'settings',
      'persistence',
      'execution',
      'start',
      'inline',
      'data',
      'name',
      '__proto__',
      'constructor',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom('initial', 'final', 'start', 'x {{ y', 'context.a', null, true, false, 0, -1, 1.5),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 6 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(tree, tree, async (states, rest) => {
        const data =
          typeof rest === 'object' && rest !== null && !Array.isArray(rest) ? { ...rest, states } : rest;
        const plain = JSON.parse(JSON.stringify({ spec: 'flatmachine', data }));
        lintMachine(await loadMachineObject(plain, { dir: scratchOnce }));
      }),
      { numRuns: 1500 },
    );
  });
  const scratchOnce = '/';
});

describe('a machine from memory', () => {
  it('is taken as a copy, with places that name the path', async () => {
    const config = {
      spec: 'flatmachine',
      spec_version: '1.0.0',
      data: { states: { a: { transitions: [{ to: 'b' }] } } },
    };
    const loaded = await loadMachineObject(config, { dir: '.', name: 'demo' });
    config.data.states.a.transitions[0]!.to = 'changed';
    const found = lintMachine(loaded);
    expect(found.map((one) => one.location.file)).toContain('demo#data.states.a.transitions.0.to');
    expect(JSON.stringify(loaded.config)).toContain('"to":"b"');
  });

  it('must be JSON', async () => {
    await expect(loadMachineObject({ a: () => 1 }, { dir: '.' })).rejects.toMatchObject({ code: 'not-json' });
  });
});

describe('states named like the prototype', () => {
  it('are states like any other', async () => {
    const text = machine(
      [
        'states:',
        '  __proto__:',
        '    transitions:',
        '      - to: constructor',
        '  constructor:',
        '    transitions:',
        '      - to: toString',
        '  toString:',
        '    type: final',
      ].join('\n'),
    );
    expect(lintMachine(await load(text))).toEqual([]);
    const dangling = machine(
      'states:\n  start:\n    transitions:\n      - to: hasOwnProperty\n    on_error: valueOf\n  done: {type: final}',
    );
    const found = lintMachine(await load(dangling));
    expect(found.filter((one) => one.code === 'unknown-target')).toHaveLength(2);
  });
});
