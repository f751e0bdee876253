import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isFlatMachineError } from '../errors.ts';
import { lintSideFile, type SideKind } from './lint/agents.ts';
import { diagnostic } from './lint/diagnostic.ts';
import type { Findings } from './lint/findings.ts';
import { type LoadedMachine, loadMachineFile } from './load.ts';
import type { ConfigPath } from './source-map.ts';

/** Something that names a file: what it is, the file as written, and where that stands. */
export interface FileReference {
  /** For messages, e.g. `agent "writer"`. */
  readonly what: string;
  readonly file: string;
  readonly from: LoadedMachine;
  readonly at: ConfigPath;
}

/**
 * The file that a reference leads to, named relative to the working directory if the file with the reference is: so that findings
 * name both in the same way.
 */
export function pathOf({ file, from }: FileReference): string {
  const shown = dirname(from.locate([]).file);
  const usual = !isAbsolute(file) && resolve(shown) === from.dir;
  return usual ? join(shown, file) : resolve(from.dir, file);
}

/** Reads a file that is referred to; null, with a finding, when it cannot be read at all. */
export async function readReferred(
  reference: FileReference,
  findings: Findings,
): Promise<LoadedMachine | null> {
  const { what, file, from, at } = reference;
  const path = pathOf(reference);
  let why = 'does not exist';
  try {
    if (existsSync(path)) return await loadMachineFile(path);
  } catch (error) {
    if (!isFlatMachineError(error, 'file-not-found')) throw error;
    why = 'cannot be read';
  }
  findings.add(diagnostic('missing-file', `the file of ${what}, ${file}, ${why}`, from.locate(at)));
  return null;
}

/** The files of agents, prompts and profiles: each is read and checked once, however many machines name it. */
export class SideFiles {
  readonly #read = new Map<string, LoadedMachine | null>();
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** The file, or null when it cannot be read or holds no map. */
  async read(reference: FileReference, kind: SideKind): Promise<LoadedMachine | null> {
    const key = `${kind} ${resolve(pathOf(reference))}`;
    const known = this.#read.get(key);
    if (known !== undefined && known !== null) return known;
    const loaded = await readReferred(reference, this.#findings);
    if (loaded !== null && known === undefined) {
      this.#findings.note(loaded);
      this.#findings.add(...lintSideFile(loaded, kind));
    }
    this.#read.set(key, loaded);
    return loaded;
  }
}
