import type { Fence } from '../backends/interfaces.ts';
import type { EventDraft } from '../events.ts';
import type { JsonObject } from '../types.ts';
import { WorkBound } from './bound.ts';
import type { ActionCall, WorkCall } from './interfaces.ts';
import type { EventRecorder } from './recorder.ts';
import type { StepWork } from './step-work.ts';

/** The bounds of a state's work: what stops the run, and the state's deadline. */
export function boundOf({ setup, held, snapshot }: StepWork): WorkBound {
  return new WorkBound(held.stop, snapshot.deadline ?? null, setup.clock);
}

/** A piece of work as those who do it see it. Its signal is made only when asked for. */
export class PartCall implements WorkCall {
  readonly state: string;
  readonly executionId: string;
  readonly step: number;
  readonly workId: string;
  readonly fence: Fence;
  readonly #bound: WorkBound;
  readonly #recorder: EventRecorder;

  constructor(work: StepWork, bound: WorkBound) {
    this.state = work.state.name;
    this.executionId = work.snapshot.execution_id;
    this.step = work.step;
    this.workId = `${this.executionId}.${work.snapshot.work_step}`;
    this.fence = work.held.lease ?? { key: this.executionId, token: 0 };
    this.#bound = bound;
    this.#recorder = work.held.recorder;
  }

  get signal(): AbortSignal {
    return this.#bound.signal;
  }

  get deadline(): number | null {
    return this.#bound.deadline;
  }

  emit(event: EventDraft): void {
    this.#recorder.emit(event);
  }
}

/** An action's call as its hook sees it. */
export class HookCall extends PartCall implements ActionCall {
  readonly action: string;
  readonly input: JsonObject;

  constructor(work: StepWork, action: string, input: JsonObject, bound: WorkBound) {
    super(work, bound);
    this.action = action;
    this.input = input;
  }
}
