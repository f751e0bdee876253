import type { ExecutionTypeFactory } from './interfaces.ts';

/** `default`: one call; what the agent throws is thrown. */
export const defaultType: ExecutionTypeFactory = () => ({
  execute: (executor, input, context) => executor.execute(input, context),
});
