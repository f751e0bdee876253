import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  type Diagnostic,
  type LintOptions,
  type LoadedMachine,
  lintMachine,
  loadMachineFile,
} from '../../src/machine/index.ts';

/** A directory that is gone after the test. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'flatmachine-machine-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Loads a text as a file of that name. */
export function load(text: string | Uint8Array, name = 'machine.yml'): Promise<LoadedMachine> {
  const file = join(scratch(), name);
  writeFileSync(file, text);
  return loadMachineFile(file);
}

/** The findings of a text. */
export async function lint(text: string, options?: LintOptions): Promise<Diagnostic[]> {
  return lintMachine(await load(text), options);
}

/** `line:column code` of each. */
export function places(found: readonly Diagnostic[]): string[] {
  return found.map(({ location, code }) => `${location.line}:${location.column} ${code}`);
}

/** A machine whose `data` is this YAML. */
export function machine(data: string, version = '1.0.0'): string {
  const indented = data.replace(/^(?=.)/gm, '  ');
  return `spec: flatmachine\nspec_version: "${version}"\ndata:\n${indented}\n`;
}
