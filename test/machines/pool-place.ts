import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { packageRoot } from '../../src/package-root.ts';
import type { JsonObject } from '../../src/types.ts';
import { type CliResult, cli, directoryWith, type RunningCli, startCli } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { emptyStoreUrl, serverAvailability } from '../helpers/servers/shared.ts';

/** A job in three steps, each a line in `did.txt`; `ms` is how long each takes. `fail: true` fails. */
const JOB = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: job
  settings: { heartbeat_interval: 0.4 }
  hooks: { file: ./work.mjs, class: Work }
  context: { n: 0, id: input.id }
  states:
    one: { type: initial, action: work, input: &in { ms: input.ms, fail: input.fail }, output_to_context: { n: output.n }, transitions: [{ to: two }] }
    two: { action: work, input: *in, output_to_context: { n: output.n }, transitions: [{ to: three }] }
    three: { action: work, input: *in, output_to_context: { n: output.n }, transitions: [{ to: end }] }
    end: { type: final, output: { id: context.id, n: context.n } }
`;

const WORK = `import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export class Work {
  async onAction(_action, context, { input, state, executionId, signal }) {
    if (input.fail) throw new Error('told to fail');
    if (input.ms) await sleep(input.ms, undefined, { signal });
    appendFileSync('did.txt', executionId + ' ' + state + '\\n');
    return { output: { n: context.n + 1 } };
  }
}
`;

/** The shipped worker, with {@link JOB} as its job and short times. */
function workerMachine(): string {
  const shipped = readFileSync(shippedMachine('worker'), 'utf8');
  return shipped
    .replace('./rollout.yml', './job.yml')
    .replace(
      /input: \{ task: .*\}/,
      'input: { id: context.job.id, ms: context.job.ms, fail: context.job.fail }',
    )
    .replace('heartbeat_interval: 30', 'heartbeat_interval: 0.4')
    .replace('lease: 60', 'lease: 2');
}

/** The path of a machine of the package. */
export function shippedMachine(name: string): string {
  return join(packageRoot(), 'machines', `${name}.yml`);
}

/** Runs a suite on every store that processes can share. */
export function onEveryStore(name: string, body: (url: () => string | null) => void): void {
  describe(`${name} on sqlite`, () => body(() => null));
  for (const server of ['redis', 'postgres'] as const) {
    describeWith(server, `${name} on ${server}`, serverAvailability(server), () =>
      body(() => emptyStoreUrl(server)),
    );
  }
}

/** A directory with machines for pools, on one store, used through the command line. */
export class PoolPlace {
  readonly directory = directoryWith({ 'job.yml': JOB, 'work.mjs': WORK, 'worker.yml': workerMachine() });
  readonly store: string;
  readonly #processes: RunningCli[] = [];

  /** @param url null = a SQLite file in the directory */
  constructor(url: string | null = null) {
    const store = url ?? `sqlite:${join(this.directory, '.flatmachine', 'flatmachine.db')}`;
    this.store = `${store}${store.includes('?') ? '&' : '?'}durability=process-crash`;
  }

  /** Runs a command to its end. */
  do(...args: string[]): Promise<CliResult> {
    return cli([...args, '--backend', this.store], { cwd: this.directory, timeout: 60_000 });
  }

  /** The result of a machine that must complete. */
  async run(machine: string, input: JsonObject, ...args: string[]): Promise<JsonObject> {
    const ended = await this.do('run', machine, '--input', JSON.stringify(input), '--quiet', ...args);
    if (ended.code !== 0) throw new Error(JSON.stringify(ended));
    return JSON.parse(ended.stdout) as JsonObject;
  }

  /** Starts a command. */
  async start(...args: string[]): Promise<RunningCli> {
    const started = await startCli([...args, '--backend', this.store], {
      cwd: this.directory,
      timeout: 60_000,
    });
    this.#processes.push(started);
    return started;
  }

  /** Looks into the store from here. */
  async look<T>(body: (store: BackendSet) => Promise<T>): Promise<T> {
    const store = await openBackends(this.store);
    try {
      return await body(store);
    } finally {
      await store.close();
    }
  }

  /** The lines of a file; none when it is not there. */
  lines(file: string): string[] {
    const path = join(this.directory, file);
    return existsSync(path)
      ? readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : [];
  }

  /** Ends what still runs and removes the directory. */
  async dispose(): Promise<void> {
    for (const { child } of this.#processes) if (child.exitCode === null) child.kill('SIGKILL');
    await Promise.all(this.#processes.map(({ ended }) => ended));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
