import type { JsonObject } from '../../types.ts';
import { Pause } from '../pause.ts';
import type { CallOutcome, StrategyExecutor } from './interfaces.ts';

/**
 * Makes `count` calls from number `first` on, as many at once as the executor allows, and tells what each came to, in their order.
 * When one cannot be made, none is begun any more; those under way finish, since they are paid for, and are found in the journal by a resume.
 * @throws what kept a call from being made, a {@link Pause} last
 */
export async function sample(
  executor: StrategyExecutor,
  first: number,
  count: number,
  input: JsonObject,
  context: JsonObject,
): Promise<CallOutcome[]> {
  const outcomes = new Map<number, CallOutcome>();
  const stops: unknown[] = [];
  let next = first;
  const lane = async (): Promise<void> => {
    while (next < first + count && stops.length === 0) {
      const index = next++;
      try {
        outcomes.set(index, await executor.attempt(index, input, context));
      } catch (error) {
        stops.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, executor.concurrency) }, lane));
  if (stops.length > 0) throw stops.find((stop) => !(stop instanceof Pause)) ?? stops[0];
  return Array.from({ length: count }, (_, i) => outcomes.get(first + i) as CallOutcome);
}
