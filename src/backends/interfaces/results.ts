import type { JsonValue } from '../../types.ts';

/** Results by URI, `flatagents://{execution_id}/{path}`. */
export interface ResultBackend {
  /** Stores data and wakes blocked readers, in other processes too. */
  write(uri: string, data: JsonValue): Promise<void>;
  /**
   * The data, or undefined when there is none and `block` is false.
   * @param options.timeout milliseconds to wait; absent = for ever
   * @throws TimeoutError when it runs out
   */
  read(uri: string, options?: { block?: boolean; timeout?: number }): Promise<JsonValue | undefined>;
  exists(uri: string): Promise<boolean>;
  delete(uri: string): Promise<void>;
}
