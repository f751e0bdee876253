export type * from './backends/interfaces.ts';
export { openBackends } from './backends/open.ts';
export { importSnapshot } from './compat/import-snapshot.ts';
export { readReferenceSnapshot } from './compat/read-snapshot.ts';
export type { ReferenceSnapshot } from './compat/reference-snapshot.ts';
export { storeImported } from './compat/store-imported.ts';
export * from './errors.ts';
export * from './events.ts';
export type * from './execution/agents/interfaces.ts';
export { AgentRegistry } from './execution/agents/registry.ts';
export { type CancelResult, cancelExecution } from './execution/cancel.ts';
export {
  type DispatchCounts,
  type DispatchEvent,
  type DispatcherOptions,
  type DispatchReason,
  SignalDispatcher,
} from './execution/dispatcher.ts';
export type * from './execution/interfaces.ts';
export { createLLMBackend } from './execution/llm/backend.ts';
export { itemExecutionId } from './execution/pool/item-execution-id.ts';
export type { ResumeChange } from './execution/resume.ts';
export type { ExecutionResult } from './execution/setup.ts';
export type * from './execution/strategies/interfaces.ts';
export { EXECUTION_TYPES, registerExecutionType } from './execution/strategies/registry.ts';
export type * from './execution/tools/interfaces.ts';
export { FlatMachine } from './flatmachine.ts';
export { HookRegistry, type NamedHook } from './hooks/registry.ts';
export { builtinHooks } from './library/builtin-hooks.ts';
export type { MachineInvoker } from './library/machine-invoker.ts';
export type { ExecuteOptions, FlatMachineOptions, ResumeOptions } from './library/options.ts';
export { PoolWorker } from './library/pool-worker.ts';
export type { GivenBackReason, PoolWorkerCounts, PoolWorkerEvent } from './library/pool-worker-events.ts';
export type { PoolWorkerOptions } from './library/pool-worker-options.ts';
export { RunHandle, type RunHandleParts } from './library/run-handle.ts';
export { StoredMachines } from './library/stored-machines.ts';
export { DEFAULT_SPEC_VERSION as SPEC_VERSION } from './machine/dialect.ts';
export type { Backends as BackendConfig, Execution as ExecutionConfig } from './machine/generated/types.ts';
export * from './machine/index.ts';
export type * from './machine/interfaces.ts';
export type { AgentKnowledge } from './machine/lint/agents.ts';
export type { ExecutionKnowledge } from './machine/lint/execution.ts';
export type { HookKnowledge } from './machine/lint/hooks.ts';
export type * from './machine/snapshot.ts';
export type * from './runners/interfaces.ts';
export { openRunner } from './runners/registry.ts';
export * from './types.ts';
