import {
  type Attributes,
  type Context,
  context,
  createNoopMeter,
  type Meter,
  metrics,
  type Span,
  type SpanContext,
  type SpanOptions,
  trace,
} from '@opentelemetry/api';

/** One measurement. */
export interface Measurement {
  name: string;
  value: number;
  attributes: Attributes;
}

/** One span, open or ended. */
export interface RecordedSpan {
  name: string;
  id: string;
  parent: string | null;
  attributes: Attributes;
  error: string | null;
  ended: boolean;
}

/** Registers providers that write down what reaches them, as an SDK would take it; `unregister` takes them away. */
export function recordTelemetry() {
  const measurements: Measurement[] = [];
  const spans: RecordedSpan[] = [];
  let instruments = 0;

  const record =
    (name: string) =>
    (value: number, attributes: Attributes = {}) => {
      measurements.push({ name, value, attributes });
    };
  const meter: Meter = Object.assign(createNoopMeter(), {
    createCounter: (name: string) => {
      instruments++;
      return { add: record(name) };
    },
    createHistogram: (name: string) => ({ record: record(name) }),
  });
  metrics.setGlobalMeterProvider({ getMeter: () => meter });

  const startSpan = (name: string, options: SpanOptions = {}, within: Context = context.active()): Span => {
    const parent = trace.getSpanContext(within)?.spanId ?? null;
    const recorded: RecordedSpan = {
      name,
      id: String(spans.length + 1).padStart(16, '0'),
      parent: spans.find(({ id }) => id === parent)?.name ?? null,
      attributes: { ...options.attributes },
      error: null,
      ended: false,
    };
    spans.push(recorded);
    return spanOf(recorded);
  };
  const startActiveSpan = () => {
    throw new Error('not used');
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan }) });

  return {
    measurements,
    spans,
    instruments: () => instruments,
    unregister: () => {
      metrics.disable();
      trace.disable();
    },
  };
}

function spanOf(recorded: RecordedSpan): Span {
  const spanContext: SpanContext = { traceId: '1'.padStart(32, '0'), spanId: recorded.id, traceFlags: 1 };
  const span: Span = {
    spanContext: () => spanContext,
    setAttribute: (key, value) => {
      recorded.attributes[key] = value;
      return span;
    },
    setAttributes: () => span,
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    setStatus: ({ message }) => {
      recorded.error = message ?? '';
      return span;
    },
    updateName: () => span,
    end: () => {
      if (recorded.ended) throw new Error(`${recorded.name} ended twice`);
      recorded.ended = true;
    },
    isRecording: () => !recorded.ended,
    recordException: () => {},
  };
  return span;
}
