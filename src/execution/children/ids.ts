import { createHash } from 'node:crypto';

/** Longest id that is derived by appending; deeper ones are hashed, so that a tree of any depth has ids a store takes. */
const MAX_DERIVED = 150;

/**
 * The id of a child: `{parent}.{work}.{slot}`, e.g. `run-7f3a.12.0`. Derived, not drawn: a resume finds the same child.
 * @param work the parent's `work_step`
 * @param slot the child's place in that work: its index, or `l` and its index for a launched one
 */
export function childId(parent: string, work: number, slot: string): string {
  const id = `${parent}.${work}.${slot}`;
  if (id.length <= MAX_DERIVED) return id;
  return `${createHash('sha256').update(id).digest('hex').slice(0, 32)}.${work}.${slot}`;
}

/** The `work_step` in which a parent runs this child and waits for it; null for a launched one, and for what is no derived id. */
export function workOf(parent: string, id: string): number | null {
  const [, work, slot] = /\.(\d+)\.(\d+)$/.exec(id) ?? [];
  if (work === undefined || slot === undefined) return null;
  return childId(parent, Number(work), slot) === id ? Number(work) : null;
}

/** Whether an id is that of a launched child. */
export function isLaunched(id: string): boolean {
  return /\.\d+\.l\d+$/.test(id);
}
