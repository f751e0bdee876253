import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type ErrorCode, FlatMachineError } from '../../errors.ts';
import type { Environment, ExecRequest, ExecResult, UploadFile } from '../../runners/interfaces.ts';
import type { RunnerPlace } from './place.ts';

/** Shell text that appends to a file for ever, so that {@link SlotUnderTest.beating} can tell whether it still runs. */
export function beating(file: string): string {
  return `while :; do echo x >>${file}; sleep 0.05; done`;
}

/** Passes when `work` is refused with one of `codes`, or with any error of ours when none is given. */
export async function refused(work: Promise<unknown>, ...codes: ErrorCode[]): Promise<void> {
  const thrown = await work.then(
    () => assert.fail(`not refused${codes.length > 0 ? ` with ${codes.join(' or ')}` : ''}`),
    (error: unknown) => error,
  );
  if (!(thrown instanceof FlatMachineError)) throw thrown;
  if (codes.length > 0)
    assert.ok(codes.includes(thrown.code), `refused with ${thrown.code}: ${thrown.message}`);
}

/** Environments and slots for the cases of one topic, which share an environment unless they ask for one of their own. */
export class RunnerBench {
  readonly place: RunnerPlace;
  readonly #name = randomBytes(3).toString('hex');
  readonly #made: Environment[] = [];
  #shared: Promise<Environment> | undefined;
  #slots = 0;

  constructor(place: RunnerPlace) {
    this.place = place;
  }

  /** An id for an environment that nothing else has. */
  freshId(): string {
    return `conformance-${randomBytes(6).toString('hex')}`;
  }

  /** The environment that cases share. */
  environment(): Promise<Environment> {
    this.#shared ??= this.box();
    return this.#shared;
  }

  /** An environment for one case alone. */
  async box(id = this.freshId()): Promise<Environment> {
    return this.keep(await this.place.runner.create(this.place.spec(id)));
  }

  /** The same environment as another process has it. */
  async again(environment: Environment): Promise<Environment> {
    const found = await (await this.place.reopen()).attach(environment.id);
    assert.ok(found, 'a living environment is found by its id');
    return this.keep(found);
  }

  /** An open slot that no other case uses, in the shared environment or in the one given. */
  async slot(environment?: Environment): Promise<SlotUnderTest> {
    const box = environment ?? (await this.environment());
    const id = `${this.#name}-slot-${++this.#slots}`;
    return new SlotUnderTest(box, id, 1, await box.openSlot(id, 1));
  }

  /** Destroys what was made. */
  async close(): Promise<void> {
    for (const environment of this.#made.reverse()) {
      await environment.destroy();
      await environment.close();
    }
  }

  /** Has the environment destroyed in the end. */
  keep(environment: Environment): Environment {
    this.#made.push(environment);
    return environment;
  }
}

/** What a case wants run: a shell command, or a request whose `execId` may be left out. */
export type Command = string | Partial<Omit<ExecRequest, 'slotId' | 'token'>>;

/** A slot with its token, and short ways to use it. */
export class SlotUnderTest {
  readonly environment: Environment;
  readonly id: string;
  readonly token: number;
  /** As commands see it. */
  readonly workspace: string;
  #commands = 0;

  constructor(environment: Environment, id: string, token: number, workspace: string) {
    this.environment = environment;
    this.id = id;
    this.token = token;
    this.workspace = workspace;
  }

  /** The slot of this id in another environment (object), or under another token. */
  with({
    environment = this.environment,
    token = this.token,
    workspace = this.workspace,
  }: Partial<Pick<SlotUnderTest, 'environment' | 'token' | 'workspace'>>): SlotUnderTest {
    return new SlotUnderTest(environment, this.id, token, workspace);
  }

  /** Runs a command to its end. */
  exec(command: Command): Promise<ExecResult> {
    const request = typeof command === 'string' ? { cmd: command } : command;
    const execId = `c${++this.#commands}-${randomBytes(4).toString('hex')}`;
    return this.environment.exec({ execId, ...request, slotId: this.id, token: this.token });
  }

  /** stdout of a command that has to end well. */
  async sh(cmd: string): Promise<string> {
    const result = await this.exec(cmd);
    assert.equal(result.outcome, 'ok', `${cmd}: ${JSON.stringify(result)}`);
    return result.stdout;
  }

  /**
   * Starts a command without waiting for its end.
   * @returns once the file `ready` is there, which the command makes when it is under way; `result` settles when the command has ended
   */
  async start(
    command: Command & object,
    ready: string,
  ): Promise<{ execId: string; result: Promise<ExecResult> }> {
    const execId = command.execId ?? `s${randomBytes(4).toString('hex')}`;
    const result = this.exec({ ...command, execId });
    result.catch(() => {
      // The case that waits for it is told; one that does not wait has no use for it.
    });
    await this.sh(`until [ -e ${ready} ]; do sleep 0.02; done`);
    return { execId, result };
  }

  /** Those of the files that something goes on appending to. They have to have been there. */
  async beating(...files: string[]): Promise<string[]> {
    const look = `for file in ${files.join(' ')}; do [ -s $file ] || exit 9; wc -c <$file; done`;
    const sizes = (await this.sh(`${look}; sleep 0.4; ${look}`)).trim().split('\n');
    return files.filter((_, n) => sizes[n] !== sizes[n + files.length]);
  }

  /** Puts files into the workspace, by path. */
  upload(files: Record<string, string | Uint8Array | Omit<UploadFile, 'path'>>): Promise<void> {
    const list = Object.entries(files).map(([path, file]): UploadFile => {
      if (typeof file === 'string') return { path, content: Buffer.from(file) };
      return file instanceof Uint8Array ? { path, content: file } : { path, ...file };
    });
    return this.environment.upload(this.id, this.token, list);
  }

  /** Reads a file of the workspace. */
  async download(path: string, maxBytes?: number): Promise<Buffer> {
    return Buffer.from(await this.environment.download(this.id, this.token, path, maxBytes));
  }

  /** Ends a command. */
  cancel(execId: string): Promise<void> {
    return this.environment.cancel(this.id, this.token, execId);
  }

  /** Ends every process of the slot; how many there were. */
  stopProcesses(): Promise<number> {
    return this.environment.stopProcesses(this.id, this.token);
  }
}
