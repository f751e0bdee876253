import { statSync } from 'node:fs';
import type { BackendSet } from '../backends/interfaces.ts';
import { FlatMachineError } from '../errors.ts';
import type { ExecutionResult } from '../execution/setup.ts';
import { FlatMachine } from '../flatmachine.ts';
import type { CompiledMachine } from '../machine/interfaces.ts';
import type { MachineSnapshot } from '../machine/snapshot.ts';
import type { ResumeOptions } from './options.ts';

interface Loaded {
  machine: Promise<FlatMachine>;
  /** Its inline children, by the names that lead to them. */
  inline: Map<string, FlatMachine>;
  /** What the files looked like when they were read; null until they are. */
  stamp: string | null;
  files: readonly string[];
}

/** The machines of stored executions, from the files they were started from. Each file is loaded once while it and all it refers to stay as they are. */
export class StoredMachines {
  readonly #backends: BackendSet;
  readonly #loaded = new Map<string, Loaded>();
  /** Those that have been replaced too: what they launched may still run. */
  readonly #all = new Set<Loaded>();

  /** @param backends where the executions are kept */
  constructor(backends: BackendSet) {
    this.#backends = backends;
  }

  /**
   * The machine of an execution: its file's own, or the inline child that it ran.
   * @throws FlatMachineError `usage` if it was not started from a file, `config-drift` if the file has no such child any more, and as {@link FlatMachine.load}
   */
  async of(snapshot: MachineSnapshot): Promise<FlatMachine> {
    const { execution_id: id, machine_file: file, machine_path: path = [] } = snapshot;
    if (file === undefined) {
      throw new FlatMachineError('usage', `execution "${id}" was not started from a file`, {
        remedy: 'Resume it from the program that started it, with FlatMachine.resume().',
      });
    }
    const loaded = this.#load(file);
    const root = await loaded.machine;
    if (path.length === 0) return root;
    const key = JSON.stringify(path);
    const machine = loaded.inline.get(key) ?? root.at(path);
    if (machine === null) {
      throw new FlatMachineError('config-drift', `${file} has no machine "${path.join('.')}" any more`);
    }
    loaded.inline.set(key, machine);
    return machine;
  }

  /** Resumes an execution with its machine. @throws FlatMachineError as {@link of} and {@link FlatMachine.resume} */
  async resume(snapshot: MachineSnapshot, options: ResumeOptions = {}): Promise<ExecutionResult> {
    const machine = await this.of(snapshot);
    return machine.resume(snapshot.execution_id, options);
  }

  /** Waits for what executions have launched in this process. @throws what kept any of that from running */
  async settled(): Promise<void> {
    for (const { machine, inline } of this.#all) {
      const [root] = await Promise.allSettled([machine]);
      const made = root.status === 'fulfilled' ? [root.value, ...inline.values()] : [];
      for (const one of made) await one.settled();
    }
  }

  #load(file: string): Loaded {
    const known = this.#loaded.get(file);
    if (known !== undefined && (known.stamp === null || known.stamp === stampOf(known.files))) {
      return known;
    }
    const entry: Loaded = {
      machine: FlatMachine.load(file, { backend: this.#backends }),
      inline: new Map(),
      stamp: null,
      files: [],
    };
    this.#loaded.set(file, entry);
    this.#all.add(entry);
    entry.machine.then(
      ({ machine }) => {
        entry.files = filesOf(machine);
        entry.stamp = stampOf(entry.files);
      },
      () => {
        this.#all.delete(entry);
        if (this.#loaded.get(file) === entry) this.#loaded.delete(file);
      },
    );
    return entry;
  }
}

/** Every file that a machine was read from. */
function filesOf(machine: CompiledMachine): string[] {
  const seen = new Set<CompiledMachine>();
  const files = new Set<string>();
  const visit = (one: CompiledMachine) => {
    if (seen.has(one)) return;
    seen.add(one);
    if (one.file !== null) files.add(one.file);
    for (const { file } of one.agents.values()) if (file !== null) files.add(file);
    for (const child of one.machines.values()) visit(child);
  };
  visit(machine);
  return [...files];
}

function stampOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? 'gone' : `${stat.mtimeMs}/${stat.size}/${stat.ino}`;
    })
    .join(' ');
}
