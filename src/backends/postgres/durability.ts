import { FlatMachineError } from '../../errors.ts';
import type { Durability } from '../interfaces.ts';

/** What a server says about its commits, as `current_setting` gives it. */
export interface CommitSettings {
  synchronous_commit: string;
  fsync: string;
  full_page_writes: string;
}

/** What commits survive, and what there is to say about it. */
export interface GrantedDurability {
  level: Durability;
  /** Why it is less than power loss although nobody asked for less; null = it is not. */
  warning: string | null;
}

/**
 * What a commit survives. Without a wish: what the server gives.
 * @throws FlatMachineError `backend` when the server cannot keep what was asked for
 */
export function grantedDurability(
  server: string,
  says: CommitSettings,
  wanted: Durability | undefined,
): GrantedDurability {
  if (wanted === 'process-crash') return { level: wanted, warning: null };
  // `synchronous_commit` is the session's own: who asks for power loss has it set.
  const needed = wanted === 'power-loss' ? MUST_BE_ON : [...MUST_BE_ON, 'synchronous_commit' as const];
  const off = needed.filter((name) => says[name] === 'off');
  if (off.length === 0) return { level: 'power-loss', warning: null };
  const why = `it runs with ${off.map((name) => `${name} = off`).join(', ')}`;
  if (wanted === undefined)
    return { level: 'process-crash', warning: `${server} does not survive power loss: ${why}` };
  throw new FlatMachineError('backend', `the store ${server} cannot survive power loss: ${why}`, {
    remedy: 'Turn it on in postgresql.conf, or use ?durability=process-crash.',
  });
}

const MUST_BE_ON = ['fsync', 'full_page_writes'] as const;
