import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBackends } from '../../src/backends/open.ts';
import { isJsonObject } from '../../src/json.ts';
import { STATE_DIR } from '../../src/library/store-place.ts';
import { packageRoot } from '../../src/package-root.ts';
import type { JsonObject, JsonValue } from '../../src/types.ts';
import { type CliOptions, type CliResult, type RunningCli, startCli, temporaryDirectory } from './cli.ts';
import { leftovers } from './leftovers.ts';
import type { RunnerUnderTest } from './runners.ts';

/** The shipped rollout machine. */
export const ROLLOUT = join(packageRoot(), 'machines', 'rollout.yml');

/** How long a rollout may take before it is killed and the test fails, milliseconds. */
const PATIENCE_MS = 60_000;

/** What a place is made of. */
export interface PlaceOptions {
  /** The working directory; default: a new one. It is removed in the end. */
  directory?: string;
  /** Where executions are kept; default: in the directory. */
  backend?: string;
  machine?: string;
}

/** A directory in which rollouts run on one runner, through the command line. */
export class RolloutPlace {
  readonly directory: string;
  readonly runner: RunnerUnderTest;
  readonly #options: PlaceOptions;
  readonly #ids: string[] = [];

  constructor(runner: RunnerUnderTest, options: PlaceOptions = {}) {
    this.runner = runner;
    this.directory = options.directory ?? temporaryDirectory();
    this.#options = options;
  }

  /** Writes a task of one file, `NAME.yml`. Without hidden tests and with nothing in the workspace unless it says otherwise. */
  task(name: string, fields: JsonObject): string {
    const file = `${name}.yml`;
    const task = { name, tests: {}, workspace: {}, verify: { cmd: 'true' }, ...fields };
    this.write(file, JSON.stringify(task));
    return file;
  }

  /** Writes a file. */
  write(path: string, content: string | Uint8Array): void {
    mkdirSync(join(this.directory, path, '..'), { recursive: true });
    writeFileSync(join(this.directory, path), content);
  }

  /** Starts a rollout. */
  start(
    id: string,
    input: JsonObject,
    options: { args?: string[]; env?: CliOptions['env'] } = {},
  ): Promise<RunningCli> {
    this.#ids.push(id);
    const given = { ...(JSON.parse(this.runner.input) as JsonObject), ...input };
    const machine = this.#options.machine ?? ROLLOUT;
    const args = ['run', machine, '--id', id, '--runner', this.runner.name];
    return this.command([...args, '--input', JSON.stringify(given), ...(options.args ?? [])], options.env);
  }

  /** Runs a rollout to its end. */
  async run(id: string, input: JsonObject, args: string[] = []): Promise<CliResult> {
    return (await this.start(id, input, { args })).ended;
  }

  /** Starts another command of flatmachine in this place. */
  command(args: string[], env: CliOptions['env'] = {}): Promise<RunningCli> {
    const { backend } = this.#options;
    const where = backend === undefined || args[0] === 'lint' ? [] : ['--backend', backend];
    return startCli([...args, ...where], {
      cwd: this.directory,
      env: { ...this.runner.env, ...env },
      timeout: PATIENCE_MS,
    });
  }

  /** Runs it to its end. */
  async do(...args: string[]): Promise<CliResult> {
    return (await this.command(args)).ended;
  }

  /** The address of the one environment that there is. */
  async environment(): Promise<{ id: string; address: string }> {
    const backends = await openBackends(this.store, {});
    try {
      const [record, ...others] = await backends.slots.environments();
      if (record === undefined || others.length > 0) throw new Error('there is not just one environment');
      return { id: record.environment_id, address: record.address };
    } finally {
      await backends.close();
    }
  }

  /** The store's URL. */
  get store(): string {
    return this.#options.backend ?? `sqlite:${join(this.directory, STATE_DIR, 'flatmachine.db')}`;
  }

  /** What the rollouts have left. */
  leftovers(): Promise<string[]> {
    return leftovers(this.directory, this.#ids, this.runner, this.store);
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The result on stdout, which has nothing else. @throws Error with everything it wrote when it did not end with 0 and a result */
export function resultOf(ended: CliResult): JsonObject {
  const { code, stdout } = ended;
  const result: JsonValue = code === 0 ? JSON.parse(stdout) : null;
  if (isJsonObject(result) && /^\{\n.*\n\}\n$/s.test(stdout)) return result;
  throw new Error(`no result: ${JSON.stringify(ended, null, 2).slice(0, 5000)}`);
}
