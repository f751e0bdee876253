import { closeSync, constants, openSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionSummary } from '../interfaces.ts';
import { orMissing } from './file-errors.ts';
import { DamagedFile, readSealed, seal } from './sealed.ts';

const HEAD = /^head_(\d{6,15})$/;

/** The summary that was written with a step; null when there is none, or it is not whole. */
export function readHead(directory: string, step: number): ExecutionSummary | null {
  try {
    return readSealed(headPath(directory, step)) as ExecutionSummary | null;
  } catch (error) {
    if (error instanceof DamagedFile) return null;
    throw error;
  }
}

/**
 * Says that a step is the newest, and what there is to say of it. The step is in the file's name, so that a process that was stopped for long cannot move the head back.
 * It need not survive anything: the steps are the truth.
 */
export function writeHead(directory: string, summary: ExecutionSummary): void {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const fd = openSync(headPath(directory, summary.step), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    writeFileSync(fd, seal(JSON.stringify(summary)));
  } finally {
    closeSync(fd);
  }
}

/** Removes the head of one step. */
export function removeHead(directory: string, step: number): void {
  orMissing(() => unlinkSync(headPath(directory, step)));
}

/** The steps whose heads are there, in order. More than one: somebody has died between two. */
export function heads(directory: string): number[] {
  const names = orMissing(() => readdirSync(directory)) ?? [];
  const steps = names.flatMap((name) => HEAD.exec(name)?.[1] ?? []).map(Number);
  return steps.sort((a, b) => a - b);
}

function headPath(directory: string, step: number): string {
  return join(directory, `head_${stepNumber(step)}`);
}

/** A step as it stands in names. */
export function stepNumber(step: number): string {
  return String(step).padStart(6, '0');
}
