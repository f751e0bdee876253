import type { Diagnostic } from '../interfaces.ts';
import type { LoadedMachine } from '../load.ts';
import { byPosition } from './diagnostic.ts';

/** What is wrong with several files: each finding once, file by file in the order they were come upon, by place inside each. */
export class Findings {
  readonly #files = new Map<string, Map<string, Diagnostic>>();
  readonly #sources = new Map<string, string>();

  /** Notes the text of a file, for showing the places in it. */
  note(loaded: LoadedMachine): void {
    const { file } = loaded.locate([]);
    this.#sources.set(file, loaded.source);
    this.#in(file);
  }

  add(...found: readonly Diagnostic[]): void {
    for (const each of found) {
      const { file, line, column } = each.location;
      this.#in(file).set(`${line}:${column} ${each.code} ${each.message}`, each);
    }
  }

  /** All of them. */
  all(): Diagnostic[] {
    return [...this.#files.values()].flatMap((file) => [...file.values()].sort(byPosition));
  }

  /** The text of a file, by its name as findings give it; empty for a machine from memory. */
  sourceOf(file: string): string {
    return this.#sources.get(file) ?? '';
  }

  #in(file: string): Map<string, Diagnostic> {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const fresh = new Map<string, Diagnostic>();
    this.#files.set(file, fresh);
    return fresh;
  }
}
