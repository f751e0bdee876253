import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { recordTelemetry } from '../hooks/recording-telemetry.ts';

let telemetry: ReturnType<typeof recordTelemetry>;
beforeEach(() => {
  telemetry = recordTelemetry();
});
afterEach(() => telemetry.unregister());

const measured = () =>
  telemetry.measurements.map(({ name, value, attributes }) => {
    const shown = name.endsWith('duration') ? 't' : value;
    return [name.replace('flatmachine.', ''), shown, ...Object.values(attributes)].join(' ');
  });

it('tells of commits, and of those that failed', async () => {
  const { persistence, journal } = await openBackends('memory:');
  await persistence.save(stepKey('x', 0), snapshotOf('x', 0));
  await journal.append('x', 1, 'k', 1, null);
  await expect(persistence.save(stepKey('x', 0), snapshotOf('x', 0))).rejects.toMatchObject({
    code: 'step-conflict',
  });
  expect(measured()).toEqual([
    'commit.duration t memory step ok',
    'commit.duration t memory journal ok',
    'commit.duration t memory step error',
  ]);
  expect(telemetry.measurements.every(({ value }) => value >= 0 && value < 1)).toBe(true);
});

it('tells of leases that were lost, not of those given back', async () => {
  const set = await openBackends('memory:');
  await acquired(set, 'a');
  await acquired(set, 'b');
  expect(await set.locking.acquire('b')).toBe(false);
  await set.locking.release('a');
  await set.close();
  expect(measured()).toEqual(['leases.lost 1 memory']);
});

it('tells of claims and of how they ended', async () => {
  const { work } = await openBackends('memory:');
  const pool = work.pool('p');
  await pool.pushMany([{ data: 1 }, { data: 2 }, { data: 3 }, { data: 4 }]);
  const first = await pool.claim('w');
  await pool.complete(first?.id ?? '');
  const second = await pool.claim('w');
  await pool.fail(second?.id ?? '', 'no');
  const { claimed } = await pool.exchange([], 'w', 2);
  const finishes = claimed.map(({ id }) => ({ id, status: 'done' as const }));
  await pool.exchange(finishes, 'w', 0);
  expect(measured()).toEqual([
    'work.claims 1 memory p',
    'work.finishes 1 memory p done',
    'work.claims 1 memory p',
    'work.finishes 1 memory p failed',
    'work.claims 2 memory p',
    'work.finishes 1 memory p done',
    'work.finishes 1 memory p done',
  ]);
  expect(await pool.claim('w')).not.toBe(null);
});

it('tells of ends that were refused', async () => {
  const { work } = await openBackends('memory:');
  const pool = work.pool('p');
  const id = await pool.push(1);
  await pool.claim('w');
  await pool.releaseByWorker('w');
  await expect(pool.complete(id)).rejects.toMatchObject({ code: 'lease-lost' });
  await expect(pool.complete('none')).rejects.toMatchObject({ code: 'not-found' });
  expect(measured()).toEqual(['work.claims 1 memory p', 'work.finishes 1 memory p lost']);
});

it('is not there for a process that has registered nothing', async () => {
  telemetry.unregister();
  const set = await openBackends('memory:');
  await set.persistence.save(stepKey('x', 0), snapshotOf('x', 0));
  expect(Object.getPrototypeOf(set)).toBe(Object.prototype);
  expect(telemetry.measurements).toEqual([]);
});
