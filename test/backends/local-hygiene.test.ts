import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { createLocalLeases } from '../../src/backends/local/lease-files.ts';
import { seal, unseal } from '../../src/backends/local/sealed.ts';
import { openLocalStore } from '../../src/backends/local/store.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, keptSteps, saveSteps } from '../../src/conformance/backends/place.ts';

let root = '';
const sets: BackendSet[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flatmachine-hygiene-'));
});

afterEach(async () => {
  await Promise.all(sets.splice(0).map((set) => set.close()));
  rmSync(root, { recursive: true });
});

async function open(): Promise<BackendSet> {
  const set = await openBackends(`local:${root}`, { durability: 'process-crash' });
  sets.push(set);
  return set;
}

const headsOf = (id: string) => readdirSync(join(root, id)).filter((name) => name.startsWith('head_'));

describe('what two processes that take turns leave behind', () => {
  it('is one head', async () => {
    const [a, b] = [await open(), await open()];
    for (let step = 0; step < 12; step += 4) {
      await saveSteps(a, 'job', step, step + 1);
      await saveSteps(b, 'job', step + 2, step + 3);
    }
    await saveSteps(a, 'job', 12, 12);
    expect(headsOf('job')).toEqual(['head_000012']);
  });

  it('is the steps that are to stay', async () => {
    const [a, b] = [await open(), await open()];
    await saveSteps(a, 'job', 0, 5, 3);
    await saveSteps(b, 'job', 6, 9, 9);
    await saveSteps(a, 'job', 10, 10, 3);
    expect(await keptSteps(a, 'job')).toEqual([8, 9, 10]);
  });
});

describe('leases', () => {
  it('are taken whatever else lies where the tokens are', async () => {
    const set = await open();
    mkdirSync(join(root, '.tokens'));
    writeFileSync(join(root, '.tokens', '.nfs0000000012'), '');
    writeFileSync(join(root, '.tokens', '7'), '');
    expect((await acquired(set, 'job')).token).toBe(8);
  });

  it('of the dead go with what they held', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 0);
    const { token } = await acquired(set, 'job');
    const path = join(root, '.leases', 'job', `${token}.held`);
    const lease = JSON.parse(unseal(readFileSync(path, 'utf8').trimEnd()) as string);
    writeFileSync(path, seal(JSON.stringify({ ...lease, holder: { ...lease.holder, started: 'before' } })));
    await set.persistence.deleteExecution('job');
    expect(readdirSync(join(root, '.leases'))).toEqual([]);
    const again = await open();
    expect((await acquired(again, 'job')).token).toBe(token + 1);
  });

  it('of one that was taken over and forgotten do not stop the renewal of others', async () => {
    const store = await openLocalStore(root, 'process-crash');
    const leases = createLocalLeases(store, () => {});
    const lost = { key: 'lost', token: (await leases.take('lost', 60_000)) as number };
    const kept = { key: 'kept', token: (await leases.take('kept', 60_000)) as number };
    const renewing = leases.renew([lost, kept], 60_000);
    rmSync(join(root, '.leases', 'lost'), { recursive: true });
    expect(await renewing).toEqual([false, true]);
    expect(readdirSync(join(root, '.tmp'))).toEqual([]);
  });
});

it('a damaged result tells its own readers alone', async () => {
  const [a, b] = [await open(), await open()];
  const broken = a.results.read('flatagents://x/result', { block: true, timeout: 20_000 });
  const whole = a.results.read('flatagents://y/result', { block: true, timeout: 20_000 });
  const outcome = expect(broken).rejects.toMatchObject({ code: 'backend' });
  await b.results.write('flatagents://x/checkpoint', 0);
  writeFileSync(join(root, 'x', 'result_result'), 'nonsense');
  await b.results.write('flatagents://x/checkpoint', 1);
  await outcome;
  await b.results.write('flatagents://y/result', 'fine');
  expect(await whole).toBe('fine');
  expect(readFileSync(join(root, 'x', 'result_result'), 'utf8')).toBe('nonsense');
});
