import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { keptSteps, saveSteps, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { describeWith } from '../helpers/components.ts';
import { emptyStoreUrl, serverAvailability, serverUrl } from '../helpers/servers/shared.ts';

let admin: Redis;
let set: BackendSet;
let steps: string;

/** Makes a byte of a record one that is in no text. */
async function damage(step: number): Promise<void> {
  const record = (await admin.hgetBuffer(steps, String(step))) as Buffer;
  record[record.length - 5] = 0xff;
  await admin.hset(steps, String(step), record);
}

describeWith('redis', 'redis, damaged records', serverAvailability('redis'), () => {
  beforeAll(() => {
    admin = new Redis(serverUrl('redis'));
  });
  afterAll(() => admin.disconnect());
  beforeEach(async () => {
    const url = emptyStoreUrl('redis');
    steps = `{${new URL(url).searchParams.get('prefix')}}:steps:job`;
    set = await openBackends(url);
    await saveSteps(set, 'job', 0, 2);
    return () => set.close();
  });

  it('one that is no text any more can be deleted', async () => {
    await damage(2);
    await set.persistence.delete(stepKey('job', 2));
    expect(await keptSteps(set, 'job')).toEqual([0, 1]);
    expect((await set.persistence.executions())[0]?.step).toBe(1);
  });

  it('the one above it can be deleted', async () => {
    await damage(1);
    await set.persistence.delete(stepKey('job', 2));
    expect(await keptSteps(set, 'job')).toEqual([0]);
    expect((await set.persistence.latest('job'))?.step).toBe(0);
  });

  it('of many that write it anew one wins, and what it wrote stays', async () => {
    for (let round = 0; round < 10; round++) {
      await damage(2);
      const writers = Array.from({ length: 8 }, (_, writer) => snapshotOf('job', 2, { context: { writer } }));
      const answers = await Promise.allSettled(
        writers.map((snapshot) => set.persistence.save(stepKey('job', 2), snapshot)),
      );
      const won = answers.findIndex(({ status }) => status === 'fulfilled');
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await set.persistence.latest('job'))?.context).toEqual({ writer: won });
    }
  });
});
