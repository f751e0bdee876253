export { type BackendPlace, backendConformance } from './backends.ts';
export type { ConformanceCase } from './case.ts';
export { RunnerBench, type RunnerCase, type RunnerPlace, runnerConformance } from './runners.ts';
