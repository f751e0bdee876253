import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createLeases, type LeaseStore } from '../../src/backends/leases.ts';

/** A store whose renewals fail as often as `failures` says. */
function failing(failures: number): LeaseStore & { renewals: number } {
  return {
    renewals: 0,
    take: async () => 1,
    async renew(leases) {
      this.renewals++;
      if (failures-- > 0) throw new Error('gone for a moment');
      return leases.map(() => true);
    },
    give: async () => {},
    holder: async () => null,
  };
}

it('a heartbeat that fails is tried again before the lease has run out', async () => {
  const warnings: string[] = [];
  const store = failing(2);
  const leases = createLeases(store, 0.2, (message) => warnings.push(message));
  await leases.acquire('x');
  await sleep(700);
  expect(leases.lease('x')?.signal.aborted).toBe(false);
  expect(warnings).toEqual(Array(2).fill('leases could not be renewed: gone for a moment'));
  await leases.close();
});

it('a store that stays away costs the lease, in its time', async () => {
  const leases = createLeases(failing(Number.POSITIVE_INFINITY), 0.2, () => {});
  await leases.acquire('x');
  const { signal } = leases.lease('x') ?? {};
  await sleep(600);
  expect(leases.lease('x')).toBe(null);
  expect(signal?.reason).toMatchObject({ code: 'lease-lost' });
  await leases.close();
});

it('what was given back is not renewed', async () => {
  const store = failing(0);
  const leases = createLeases(store, 0.1, () => {});
  await leases.acquire('x');
  await leases.release('x');
  await leases.acquire('y');
  await leases.release('y');
  await sleep(300);
  expect(store.renewals).toBe(0);
});
