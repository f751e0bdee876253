import type {
  Environment,
  EnvironmentSpec,
  Runner,
  RunnerCapabilities,
  SnapshotReference,
} from '../../runners/interfaces.ts';
import type { RunnerBench } from './bench.ts';

/** Where a runner is tried, and what only its maker can know. */
export interface RunnerPlace {
  readonly runner: Runner;
  /** Another runner object on the same state, as another process would have it. */
  reopen(): Promise<Runner>;
  /** What to create under `id`, with at least the label `flatmachine: "1"`. */
  spec(id: string): EnvironmentSpec;
  /** Takes the box away behind the runner's back, with everything that runs in it. */
  killBox(environment: Environment): Promise<void>;
  /** Paths of the files that a frozen workspace holds, relative to it. */
  filesIn(snapshot: SnapshotReference): Promise<readonly string[]>;
  /** Told figures that a person may want to see. */
  note?(text: string): void;
}

/** One thing that every runner has to do, for any test runner. It throws an AssertionError of `node:assert` when it does not. */
export interface RunnerCase {
  readonly name: string;
  /** Whether a runner with these capabilities has to do it; absent = every one. */
  needs?(capabilities: RunnerCapabilities): boolean;
  run(bench: RunnerBench): Promise<void>;
}
