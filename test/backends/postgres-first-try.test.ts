import { connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { createGroupLane } from '../../src/backends/postgres/group-lane.ts';
import { acquired, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { describeWith } from '../helpers/components.ts';
import { emptyStoreUrl, serverAvailability, serverUrl } from '../helpers/servers/shared.ts';

/** The advisory lock that commits wait for. */
const GATE = 20_261_121;

/** A way to a server that can be cut, which the server does not notice while it works. */
async function startCuttableWay(port: number) {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {
        // Its end follows.
      });
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    cut() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    close: () => server.close(),
  };
}

interface Write {
  /** Whose commits are delayed. */
  table: string;
  prepare?: (set: BackendSet) => Promise<unknown>;
  write: (set: BackendSet) => Promise<unknown>;
  /** What is stored then. */
  stored: (set: BackendSet) => Promise<unknown>;
  expected: unknown;
}

const WRITES: Readonly<Record<string, Write>> = {
  'the first step of an execution': {
    table: 'steps',
    write: (set) => set.persistence.save(stepKey('job', 0), snapshotOf('job', 0)),
    stored: async (set) => (await set.persistence.latest('job'))?.step,
    expected: 0,
  },
  'a fenced step that ends': {
    table: 'steps',
    prepare: (set) => set.persistence.save(stepKey('job', 0), snapshotOf('job', 0)),
    write: async (set) =>
      set.persistence.save(stepKey('job', 1), snapshotOf('job', 1, { status: 'completed' }), {
        fence: await acquired(set, 'job'),
        over: { work: 1, signal: 'consumed' },
      }),
    stored: async (set) => (await set.persistence.latest('job'))?.status,
    expected: 'completed',
  },
  'a journal entry': {
    table: 'journal',
    write: (set) => set.journal.append('job', 1, 'k', 1, null),
    stored: async (set) => [...(await set.journal.entries('job', 1))],
    expected: [['k', 1]],
  },
  'a signal': {
    table: 'signals',
    write: (set) => set.signals.send('c', 1),
    stored: async (set) => (await set.signals.queued('c')).length,
    expected: 1,
  },
  'a lease': {
    table: 'leases',
    write: (set) => acquired(set, 'job'),
    stored: async (set) => (await set.locking.holder('job'))?.token,
    expected: 1,
  },
  'an item': {
    table: 'work_state',
    write: (set) => set.work.pool('pool').push(1),
    stored: (set) => set.work.pool('pool').size(),
    expected: 1,
  },
  'a claim': {
    table: 'work_state',
    prepare: (set) => set.work.pool('pool').pushMany([{ data: 1 }, { data: 2 }]),
    write: async (set) => expect(await set.work.pool('pool').claim('w')).toMatchObject({ data: 1 }),
    stored: async (set) => (await set.work.pool('pool').items()).map(({ attempts }) => attempts),
    expected: [1, 0],
  },
  'a registration': {
    table: 'workers',
    write: (set) => set.registration.register({ worker_id: 'w', started_at: '2026-01-01T00:00:00Z' }),
    stored: async (set) => (await set.registration.get('w'))?.registrations,
    expected: 1,
  },
};

describeWith('postgres', 'a first try that is still under way', serverAvailability('postgres'), () => {
  let admin: pg.Client;
  let schema = '';
  let url = '';

  beforeEach(async () => {
    url = emptyStoreUrl('postgres');
    schema = new URL(url).searchParams.get('schema') as string;
    admin = new pg.Client(serverUrl('postgres'));
    await admin.connect();
  });

  afterEach(() => admin.end());

  /** Waits until so many tries wait for a lock. */
  async function waiting(tries: number): Promise<void> {
    const sql = `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`;
    await expect.poll(async () => (await admin.query(sql, [schema])).rowCount, { timeout: 5000 }).toBe(tries);
  }

  for (const [name, { table, prepare, write, stored, expected }] of Object.entries(WRITES)) {
    it(`${name}: the repetition waits for it, and tells what it has done`, async () => {
      const { port } = new URL(url);
      const way = await startCuttableWay(Number(port));
      const set = await openBackends(`${url.replace(port, String(way.port))}&application_name=${schema}`);
      await prepare?.(set);
      await admin.query(`
        SET search_path TO ${schema};
        CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER gate AFTER INSERT OR UPDATE ON ${table} DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION wait_at_gate();
        SELECT pg_advisory_lock(${GATE})`);
      const written = write(set);
      written.catch(() => {});
      try {
        await waiting(1);
        way.cut();
        await waiting(2);
      } finally {
        await admin.query('SELECT pg_advisory_unlock_all()');
      }
      await written;
      expect(await stored(set)).toEqual(expected);
      await set.close();
      way.close();
    });
  }

  it('members of a group that failed are asked about before they are tried alone', async () => {
    const calls: [number, boolean][] = [];
    const lane = createGroupLane<number, number>({
      most: 10,
      async commit(members, again) {
        calls.push([members.length, again]);
        if (members.length > 1) throw new Error('one of them is bad');
        return members;
      },
    });
    expect(await Promise.all([lane.run(1, 1), lane.run(2, 1)])).toEqual([1, 2]);
    expect(calls).toEqual([
      [2, false],
      [1, true],
      [1, true],
    ]);
  });
});
