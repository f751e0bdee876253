import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { isJsonObject } from '../../src/json.ts';
import { packageRoot } from '../../src/package-root.ts';
import type { JsonObject } from '../../src/types.ts';
import { type RunningCli, startCli } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { leftovers } from '../helpers/leftovers.ts';
import { ROLLOUT, RolloutPlace } from '../helpers/rollout-place.ts';
import { type RunnerUnderTest, runnersUnderTest } from '../helpers/runners.ts';
import { postgresAvailability, startPostgres } from '../helpers/servers/postgres.ts';
import type { TestServer } from '../helpers/servers/process.ts';
import { redisAvailability, startRedis } from '../helpers/servers/redis.ts';

/** How many rollouts; CONTRIBUTING.md says how to run more. */
const TASKS = Number(process.env.FLATMACHINE_STORM_TASKS ?? 40);
const WORKERS = 3;
const KILL_EVERY_MS = 2_000;
const SERVER_DOWN_MS = 1_000;
const PATIENCE_MS = 60_000 + TASKS * 1_000;

const BATCH = join(packageRoot(), 'machines', 'rollout-batch.yml');

/** What an agent does, turn by turn. Each writes down that it was there. */
const turns = (...commands: string[]) =>
  commands.map((cmd, n) => ({ cmd: `echo "turn ${n + 1}" >> journal.log; ${cmd}` }));

/** Rollouts that come to different ends. */
const KINDS: Readonly<Record<string, JsonObject>> = {
  solves: { agents: { solve: turns('sleep 0.1', 'echo 42 > answer') } },
  errs: { agents: { solve: turns('echo 41 > answer', 'sleep 0.2', 'exit 3') } },
  idles: { agents: { solve: turns('true') } },
  hangs: {
    agents: { solve: [...turns('true'), { cmd: 'echo hung >> journal.log; sleep 60', timeout: 0.5 }] },
  },
};

let server: TestServer;
let place: RolloutPlace;
let processes: RunningCli[];

beforeEach(() => {
  processes = [];
});
afterEach(async () => {
  for (const { child } of processes) if (child.exitCode === null) child.kill('SIGKILL');
  await Promise.all(processes.map(({ ended }) => ended));
  await server.dispose();
  place.dispose();
});

async function start(...args: string[]): Promise<RunningCli> {
  const started = await startCli([...args, '--backend', server.url], {
    cwd: place.directory,
    env: place.runner.env,
    timeout: PATIENCE_MS,
  });
  processes.push(started);
  return started;
}

function worker(pool: string): Promise<RunningCli> {
  const { name } = place.runner;
  const work = ['--pool', pool, '--machine', ROLLOUT, '--runner', name, '--concurrency', '4', '--lease', '2'];
  return start('worker', ...work);
}

function batch(pool: string, tasks: readonly JsonObject[]): Promise<RunningCli> {
  place.write(`${pool}.jsonl`, tasks.map((task) => `${JSON.stringify(task)}\n`).join(''));
  const input = { tasks: `${pool}.jsonl`, results: `${pool}-results.jsonl`, pool, max_retries: 100 };
  return start('run', BATCH, '--id', `batch-${pool}`, '--input', JSON.stringify(input));
}

function resultsOf(pool: string): JsonObject[] {
  const file = join(place.directory, `${pool}-results.jsonl`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject);
}

/** What does not depend on when it was. */
function lasting({ status, output, error }: JsonObject): JsonObject {
  const { snapshot, timings: _, ...rest } = isJsonObject(output) ? output : {};
  return { status: status ?? null, error: error ?? null, output: { ...rest, frozen: snapshot !== null } };
}

/** One rollout of each kind, with nobody disturbed. */
async function quietly(): Promise<Map<string, JsonObject>> {
  const kinds = Object.keys(KINDS);
  const running = await batch('quiet', kinds.map(taskOf));
  const working = await worker('quiet');
  expect(await running.ended).toMatchObject({ code: 0 });
  await working.saw(/works on pool/);
  working.child.kill('SIGTERM');
  expect(await working.ended).toMatchObject({ code: 0 });
  return new Map(resultsOf('quiet').map((result, n) => [kinds[n] as string, lasting(result)]));
}

function taskOf(kind: string, n: number): JsonObject {
  return { id: `${kind}-${n}`, task: `${kind}.yml`, ...(JSON.parse(place.runner.input) as JsonObject) };
}

/** How many of a batch are done, by what it says. */
function doneOf({ output }: RunningCli): number {
  return Number([...output.stderr.matchAll(/wait {2}(\d+)\/\d+ done/g)].at(-1)?.[1] ?? 0);
}

/** Kills workers, one after the other, and lets new ones take their places, until the batch is over. */
async function killWorkers(pool: string, over: Promise<unknown>): Promise<number> {
  let isOver = false;
  void over.finally(() => {
    isOver = true;
  });
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => worker(pool)));
  let kills = 0;
  for (;;) {
    await Promise.race([over, sleep(KILL_EVERY_MS)]);
    if (isOver) break;
    workers[kills % WORKERS]?.child.kill('SIGKILL');
    workers[kills % WORKERS] = await worker(pool);
    kills++;
  }
  for (const { child, saw } of workers) {
    await saw(/works on pool/);
    child.kill('SIGTERM');
  }
  for (const { ended } of workers) expect(await ended).toMatchObject({ code: 0, stdout: '' });
  return kills;
}

/** Takes the server away, once without warning, and starts it again. */
async function restartServer(running: RunningCli, total: number): Promise<void> {
  for (const [part, signal] of [
    [1 / 4, 'SIGKILL'],
    [1 / 2, 'SIGTERM'],
  ] as const) {
    while (doneOf(running) < total * part) {
      if (running.child.exitCode !== null) throw new Error('the batch was over too soon');
      await sleep(50);
    }
    await server.stop(signal);
    await sleep(SERVER_DOWN_MS);
    await server.start();
  }
}

async function countLeft(): Promise<string[]> {
  const store = await openBackends(server.url);
  try {
    const executions = await store.persistence.executions();
    const unfinished = executions.filter(({ status }) => status !== 'completed');
    const ids = executions.map(({ execution_id }) => execution_id);
    return [
      ...unfinished.map(({ execution_id, status }) => `${execution_id} is ${status}`),
      ...(await leftovers(place.directory, ids, place.runner, server.url)),
    ];
  } finally {
    await store.close();
  }
}

/** The batch, its results against those of a quiet run, and what it has left. */
async function storm(runner: RunnerUnderTest, total: number): Promise<void> {
  place = new RolloutPlace(runner);
  const verify = { cmd: 'test "$(cat answer)" = 42' };
  for (const [kind, task] of Object.entries(KINDS))
    place.task(kind, { ...task, verify, trace: 'journal.log' });
  const expected = await quietly();
  const kinds = Array.from({ length: total }, (_, n) => [...expected.keys()][n % expected.size] as string);
  const tasks = kinds.map(taskOf);
  const running = await batch('storm', tasks);
  const over = running.ended;
  const [kills] = await Promise.all([killWorkers('storm', over), restartServer(running, total)]);
  expect(await over).toMatchObject({ code: 0 });
  expect(kills).toBeGreaterThan(0);
  const results = resultsOf('storm');
  expect(results.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id));
  expect(results.map(lasting)).toEqual(kinds.map((kind) => expected.get(kind)));
  expect(new Set(results.map(({ execution_id }) => execution_id)).size).toBe(total);
  expect(await countLeft()).toEqual([]);
}

const [local, , docker] = runnersUnderTest as [RunnerUnderTest, RunnerUnderTest, RunnerUnderTest];

describeWith('redis', 'a batch of rollouts on redis, workers and server killed', redisAvailability(), () => {
  beforeEach(async () => {
    server = await startRedis('everysec');
  });

  it(
    `${TASKS} results, each once, as in a quiet run, and nothing left`,
    () => storm(local, TASKS),
    PATIENCE_MS,
  );
});

describeWith(
  'postgres',
  'a batch of rollouts on postgres, workers and server killed',
  postgresAvailability(),
  () => {
    beforeEach(async () => {
      server = await startPostgres();
    });

    it(
      `${TASKS} results, each once, as in a quiet run, and nothing left`,
      () => storm(local, TASKS),
      PATIENCE_MS,
    );
  },
);

describe('in containers', () => {
  describeWith(docker.name, 'a batch of rollouts, workers and server killed', docker.found, () => {
    beforeEach(async () => {
      server = await startRedis('everysec');
    });

    it('12 results, and no container left', () => storm(docker, 12), PATIENCE_MS);
  });
});
