export type * from './backends/interfaces.ts';
export { openBackends } from './backends/open.ts';
export * from './errors.ts';
export * from './events.ts';
export type * from './execution/interfaces.ts';
export type { ResumeChange } from './execution/resume.ts';
export type { ExecutionResult } from './execution/setup.ts';
export {
  builtinHooks,
  type ExecuteOptions,
  FlatMachine,
  type FlatMachineOptions,
  type ResumeOptions,
} from './flatmachine.ts';
export { HookRegistry, type NamedHook } from './hooks/registry.ts';
export * from './machine/index.ts';
export type * from './machine/interfaces.ts';
export type * from './machine/snapshot.ts';
export type * from './runners/interfaces.ts';
export { openRunner } from './runners/registry.ts';
export * from './types.ts';
