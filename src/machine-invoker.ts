import type { JsonObject } from './types.ts';

/** Runs peer machines by name (FlatAgents runtime 1.0.0 `MachineInvoker`). */
export interface MachineInvoker {
  /**
   * Runs a machine and waits for its result.
   * @param options.timeout seconds
   */
  invoke(machineName: string, input: JsonObject, options?: { timeout?: number }): Promise<JsonObject>;
  /** Starts a machine and does not wait for it; gives its execution's id. */
  launch(machineName: string, input: JsonObject): Promise<string>;
}
