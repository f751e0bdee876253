import type { WorkCall } from '../interfaces.ts';
import type { ExecutionSetup } from '../setup.ts';
import type { ChildStops } from './child.ts';

/** What a group of children needs of the state that runs it. */
export interface ChildrenWork {
  readonly call: WorkCall;
  readonly mode: 'settled' | 'any';
  /** No child can exist yet: they were planned just now. */
  readonly fresh: boolean;
  idOf(index: number): string;
  setupOf(machine: string, id: string, stops: ChildStops): ExecutionSetup;
  /** Registers that the execution waits for one of these to end. */
  waitFor(children: readonly string[]): Promise<void>;
}
