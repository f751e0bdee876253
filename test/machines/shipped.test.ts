import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FlatMachine } from '../../src/flatmachine.ts';
import { builtinHooks } from '../../src/library/builtin-hooks.ts';
import { lintMachine, loadMachineFile } from '../../src/machine/index.ts';

const machines = fileURLToPath(new URL('../../machines/', import.meta.url));
const files = readdirSync(machines).filter((name) => name.endsWith('.yml'));

describe('the machines that are shipped', () => {
  it('are there', () => {
    expect(files).toEqual(expect.arrayContaining(['hello.yml', 'rollout.yml']));
  });

  for (const file of files) {
    it(`${file} lints clean`, async () => {
      const loaded = await loadMachineFile(machines + file);
      expect(await lintMachine(loaded, { knownHooks: builtinHooks().known() })).toEqual([]);
    });
  }

  it('hello.yml greets', async () => {
    const machine = await FlatMachine.load(`${machines}hello.yml`, { backend: 'memory' });
    expect(await machine.execute({ name: 'Ada' })).toMatchObject({
      status: 'completed',
      output: { greeting: 'Hello, Ada! I counted to 3.' },
    });
    expect(await machine.execute()).toMatchObject({ output: { greeting: 'Hello, world! I counted to 3.' } });
    await machine.close();
  });
});
