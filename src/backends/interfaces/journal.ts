import type { JsonValue } from '../../types.ts';
import type { Fence } from './locking.ts';

/**
 * What a piece of work under way has done already, so that a crash neither repeats nor loses it. Entries are write-once, in the order they were added,
 * and go with the step that ends the work ({@link SaveOptions.over}) or with the execution.
 */
export interface JournalBackend {
  /**
   * Adds an entry; durable when the promise resolves.
   * @param work the `work_step` it belongs to
   * @throws StepConflictError if the key exists · LeaseLostError if the fence is stale
   */
  append(
    executionId: string,
    work: number,
    key: string,
    value: JsonValue,
    fence: Fence | null,
  ): Promise<void>;
  /** All entries of a piece of work, in the order they were added. */
  entries(executionId: string, work: number): Promise<ReadonlyMap<string, JsonValue>>;
}
