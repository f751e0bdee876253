import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { temporaryDirectory } from '../helpers/cli.ts';
import { load } from '../helpers/machine.ts';

describe('results', () => {
  it('case 72: URIs; reads that wait and reads that do not; deleting twice', async () => {
    const { results, close } = await openBackends('memory');
    await results.write('flatagents://x', { n: 1 });
    expect(await results.read('flatagents://x/result', { block: false })).toEqual({ n: 1 });
    await expect(results.read('http://x/result')).rejects.toMatchObject({ code: 'usage' });
    expect(await results.read('flatagents://y/result', { block: false })).toBeUndefined();
    const waiting = results.read('flatagents://y/result', { block: true, timeout: 5000 });
    await sleep(5);
    await results.write('flatagents://y/result', 'late');
    expect(await waiting).toBe('late');
    await expect(results.read('flatagents://z/result', { block: true, timeout: 20 })).rejects.toMatchObject({
      code: 'timeout',
    });
    await results.delete('flatagents://y/result');
    await results.delete('flatagents://y/result');
    expect(await results.exists('flatagents://y/result')).toBe(false);
    await close();
  });

  it('case 73: a result outlives the process that wrote it', async () => {
    const directory = temporaryDirectory();
    try {
      const url = `sqlite:${join(directory, 'store.db')}`;
      const machine = await load(
        { states: { end: { type: 'final', output: { kept: true } } } },
        {},
        { backend: url },
      );
      await machine.execute({}, { id: 'x' });
      await machine.close();
      const backends = await openBackends(url);
      expect(await backends.results.read('flatagents://x/result', { block: false })).toEqual({ kept: true });
      await backends.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
