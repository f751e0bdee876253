import { existsSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FlatMachineError } from '../../errors.ts';
import type { ExecutionEvent } from '../../events.ts';
import { type MachineSnapshot, stepKey } from '../../machine/snapshot.ts';
import { orMissing } from './file-errors.ts';
import { heads, stepNumber } from './heads.ts';
import { DamagedFile, readSealed, seal } from './sealed.ts';

/** What a step's file holds. */
export interface StoredStep {
  snapshot: MachineSnapshot;
  events: ExecutionEvent[];
  /** When the execution began; older steps may be gone. */
  since: string;
}

/** How a step's record was found. `damaged`: there are files of it, and none is whole. */
export type FoundStep = { step: StoredStep } | 'missing' | 'damaged';

const STEP = /^step_(\d{6,15})(\.\d+)?$/;

/** Where the steps of an execution are. */
export function stepsDirectory(directory: string): string {
  return join(directory, 'steps');
}

/**
 * The file of a step. Where one is damaged, the step is written again under the next generation: files have their content from the beginning, so
 * that a damaged one never gets whole, and the first whole generation is the record for everybody.
 */
export function stepPath(directory: string, step: number, generation: number): string {
  const name = `step_${stepNumber(step)}`;
  return join(stepsDirectory(directory), generation === 0 ? name : `${name}.${generation}`);
}

/** The text of a step's file. @throws FlatMachineError `not-json` */
export function encodeStep(step: StoredStep): string {
  try {
    return seal(JSON.stringify(step));
  } catch (cause) {
    throw new FlatMachineError('not-json', `a step cannot be stored: ${(cause as Error).message}`, { cause });
  }
}

/** Reads one file of a step; null when there is none. @throws DamagedFile */
export function readGeneration(
  directory: string,
  executionId: string,
  step: number,
  generation: number,
): StoredStep | null {
  const stored = readSealed(stepPath(directory, step, generation)) as StoredStep | null;
  if (stored === null) return null;
  if (stored.snapshot.execution_id !== executionId || stored.snapshot.step !== step) {
    throw new DamagedFile('it is the record of something else');
  }
  return stored;
}

/** Reads a step. @param onDamage is told what is wrong with it */
export function readStep(
  directory: string,
  executionId: string,
  step: number,
  onDamage: (why: string) => void,
): FoundStep {
  for (let generation = 0; ; generation++) {
    try {
      const stored = readGeneration(directory, executionId, step, generation);
      if (stored) return { step: stored };
      return generation === 0 ? 'missing' : 'damaged';
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      onDamage(`${stepKey(executionId, step)} is damaged: ${error.message}`);
    }
  }
}

/** The numbers of the steps there are, in order. */
export function listSteps(directory: string): number[] {
  const names = orMissing(() => readdirSync(stepsDirectory(directory))) ?? [];
  const steps = new Set(names.flatMap((name) => STEP.exec(name)?.[1] ?? []).map(Number));
  return [...steps].sort((a, b) => a - b);
}

/** Removes steps up to and including `upTo`. */
export function removeStepsUpTo(directory: string, upTo: number): void {
  const steps = stepsDirectory(directory);
  for (const name of readdirSync(steps)) {
    const match = STEP.exec(name);
    if (match && Number(match[1]) <= upTo) orMissing(() => unlinkSync(join(steps, name)));
  }
}

/** Removes one step, if it is there. */
export function removeStep(directory: string, step: number): void {
  for (let generation = 0; ; generation++) {
    const path = stepPath(directory, step, generation);
    if (orMissing(() => unlinkSync(path)) === null) return;
  }
}

/**
 * The newest step, found in the same time however many there are: the head says which it is, and a crash, or a writer at work, may have put one or two after it.
 * Null when there is none.
 */
export function newestStep(directory: string): number | null {
  const head = heads(directory).at(-1);
  if (head === undefined || !existsSync(stepPath(directory, head, 0)))
    return listSteps(directory).at(-1) ?? null;
  let newest = head;
  while (existsSync(stepPath(directory, newest + 1, 0))) newest++;
  return newest;
}
