import type { ToolDefinition } from '../agents/interfaces.ts';
import type { Tool } from './interfaces.ts';

/** A tool as a model is told of it. */
export function definitionOf({ name, description, parameters }: Tool): ToolDefinition {
  return { type: 'function', function: { name, description, parameters } };
}
