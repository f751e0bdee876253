export { type BackendPlace, backendConformance } from './backends.ts';
export type { ConformanceCase } from './case.ts';
export type { SlotUnderTest } from './runners/bench.ts';
export { RunnerBench, type RunnerCase, type RunnerPlace, runnerConformance } from './runners.ts';
