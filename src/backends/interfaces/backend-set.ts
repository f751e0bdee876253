import type { JournalBackend } from './journal.ts';
import type { ExecutionLock } from './locking.ts';
import type { PersistenceBackend } from './persistence.ts';
import type { RegistrationBackend } from './registration.ts';
import type { ResultBackend } from './results.ts';
import type { SignalBackend } from './signals.ts';
import type { SlotBackend } from './slots.ts';
import type { WorkBackend } from './work.ts';

/**
 * What survives what. `power-loss`: the commit is on the disk before the call returns. `process-crash`: it
 * survives the death of the process but not of the machine. `none`: it dies with the process.
 */
export type Durability = 'power-loss' | 'process-crash' | 'none';

/** Where one technology keeps things: each role it has. */
export interface BackendSet {
  /** As given or made from the configuration, e.g. `sqlite:.flatmachine/flatmachine.db`. No secrets. */
  readonly url: string;
  readonly durability: Durability;
  readonly persistence: PersistenceBackend;
  readonly locking: ExecutionLock;
  readonly results: ResultBackend;
  readonly slots: SlotBackend;
  readonly journal: JournalBackend;
  readonly signals: SignalBackend;
  readonly registration: RegistrationBackend;
  readonly work: WorkBackend;
  /** Flushes, stops heartbeats, closes. Idempotent. */
  close(): Promise<void>;
}

/** What one technology offers: a {@link BackendSet} of which some roles may be missing. */
export type BackendRoles = Pick<BackendSet, 'url' | 'durability' | 'close'> & Partial<BackendSet>;

/** How to open a {@link BackendSet}. */
export interface BackendOptions {
  durability?: Durability;
  /** Seconds between a lease's heartbeats; it lives twice as long. Default 30. */
  heartbeatInterval?: number;
  /** Told of what was wrong and survived, e.g. a torn record that was skipped. Default: nothing is told. */
  onWarning?: (message: string) => void;
}
