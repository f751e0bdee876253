import type * as OpenTelemetry from '@opentelemetry/api';
import type { ExecutionEvent, ExecutionStatus } from '../events.ts';
import { packageVersion } from '../package-root.ts';
import { SCOPE } from './metrics-instruments.ts';

/** Where the spans of children that this process runs hang: child's execution id → its parent's state. */
const parents = new Map<string, OpenTelemetry.Context>();

/** Ends of a run after which its span is an error. */
const BAD: ReadonlySet<ExecutionStatus> = new Set(['failed', 'cancelled']);

/**
 * The spans of one execution: one for the run (`execution MACHINE`), in it one per state (`state NAME`). The run hangs below its parent's state when
 * that is traced in the same process, else below the span that was active when the run began.
 */
export class ExecutionTrace {
  readonly #api: typeof OpenTelemetry;
  readonly #tracer: OpenTelemetry.Tracer;
  readonly #machine: string;
  readonly #executionId: string;
  readonly #outside: OpenTelemetry.Context;
  readonly #children = new Set<string>();
  #run: OpenTelemetry.Span | null = null;
  #state: OpenTelemetry.Span | null = null;

  constructor(api: typeof OpenTelemetry, executionId: string, machine: string) {
    this.#api = api;
    this.#tracer = api.trace.getTracer(SCOPE, packageVersion());
    this.#machine = machine;
    this.#executionId = executionId;
    this.#outside = parents.get(executionId) ?? api.context.active();
  }

  /** Opens and closes spans as the run goes. */
  observe(event: ExecutionEvent): void {
    switch (event.type) {
      case 'execution_start':
        this.#run = this.#open(`execution ${this.#machine}`, this.#outside, {
          'flatmachine.resumed': event.resumed,
        });
        break;
      case 'state_enter':
        this.#endState(null);
        this.#state = this.#open(`state ${event.state}`, this.#inside(this.#run), {
          'flatmachine.state': event.state ?? '',
          'flatmachine.step': event.step,
        });
        break;
      case 'error':
        this.#fail(this.#state, event.error_type, event.message);
        break;
      case 'step_commit':
        this.#endState(event.status);
        break;
      case 'child_start':
        this.#children.add(event.child);
        parents.set(event.child, this.#inside(this.#state ?? this.#run));
        break;
      case 'child_end':
        this.#forget(event.child);
        break;
      case 'execution_end':
        this.#endRun(event.status);
        break;
    }
  }

  /** Ends what is open: a run that lost its lease tells of no end. */
  close(): void {
    this.#endState(null);
    this.#endRun(null);
    for (const child of this.#children) this.#forget(child);
  }

  #open(
    name: string,
    within: OpenTelemetry.Context,
    attributes: OpenTelemetry.Attributes,
  ): OpenTelemetry.Span {
    const own = { 'flatmachine.machine': this.#machine, 'flatmachine.execution_id': this.#executionId };
    return this.#tracer.startSpan(name, { attributes: { ...own, ...attributes } }, within);
  }

  #inside(span: OpenTelemetry.Span | null): OpenTelemetry.Context {
    return span === null ? this.#outside : this.#api.trace.setSpan(this.#outside, span);
  }

  #fail(span: OpenTelemetry.Span | null, type: string, message: string): void {
    span?.setAttribute('error.type', type);
    span?.setStatus({ code: this.#api.SpanStatusCode.ERROR, message });
  }

  #endState(status: ExecutionStatus | null): void {
    if (status !== null) this.#state?.setAttribute('flatmachine.status', status);
    this.#state?.end();
    this.#state = null;
  }

  #endRun(status: ExecutionStatus | null): void {
    const run = this.#run;
    if (run === null) return;
    if (status === null) this.#fail(run, 'unfinished', 'the run stopped without an end');
    else run.setAttribute('flatmachine.status', status);
    if (status !== null && BAD.has(status)) this.#fail(run, status, `the execution ended as ${status}`);
    run.end();
    this.#run = null;
  }

  #forget(child: string): void {
    this.#children.delete(child);
    parents.delete(child);
  }
}
