import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, CLI, cli, directoryWith } from '../helpers/cli.ts';
import { HELLO } from './machines.ts';

const dist = dirname(CLI);
const library = pathToFileURL(join(dist, 'index.js')).href;
let cwd: string;

beforeAll(async () => {
  await build();
  cwd = directoryWith({});
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe('the bundle', () => {
  it('is a library of ES modules', () => {
    const script = `
      import { FlatMachine, ERRORS } from '${library}';
      import { backendConformance } from '${library.replace('index.js', 'conformance.js')}';
      const machine = await FlatMachine.load({ spec: 'flatmachine', spec_version: '1.0.0', data: { name: 'm', states: { a: { type: 'final', output: { ok: 1 } } } } }, { backend: 'memory' });
      console.log(JSON.stringify([(await machine.execute()).output, typeof ERRORS, typeof backendConformance]));`;
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(JSON.parse(printed)).toEqual([{ ok: 1 }, 'object', 'function']);
  });

  it('shares its classes with hooks that import the library', async () => {
    writeFileSync(
      join(cwd, 'hooks.mjs'),
      `import { FlatMachineError } from '${library}';
       export class Hooks { onAction() { throw new FlatMachineError('too-large', 'by a hook', { details: { a: 1 } }); } }`,
    );
    const machine = HELLO.replace('    start:\n', '    start:\n      action: "x"\n').replace(
      '  states:',
      '  hooks: { file: ./hooks.mjs, class: Hooks }\n  states:',
    );
    writeFileSync(join(cwd, 'hooked.yml'), machine);
    expect((await cli(['run', 'hooked.yml', '--id', 'k'], { cwd })).code).toBe(1);
    const { error } = JSON.parse((await cli(['show', 'k', '--json'], { cwd })).stdout);
    expect(error).toMatchObject({ error_type: 'TooLargeError', code: 'too-large', details: { a: 1 } });
  });

  it('loads what it imports lazily: CEL', async () => {
    const condition = `- condition: "'a'.matches('^a$') && input.n + 1 == 3"\n          to: done`;
    const machine = HELLO.replace('name: hello', 'name: hello\n  expression_engine: cel').replace(
      '- to: done',
      () => condition,
    );
    writeFileSync(join(cwd, 'cel.yml'), machine);
    expect(await cli(['run', 'cel.yml', '--input', '{"n":2}'], { cwd })).toMatchObject({ code: 0 });
  });

  it('starts without its code cache too', async () => {
    // Another V8 flag, like another version, makes the cache invalid.
    const env = { NODE_OPTIONS: '--jitless' };
    expect(await cli(['--version'], { cwd, env })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d/),
    });
  });
});
