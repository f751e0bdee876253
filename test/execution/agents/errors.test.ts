import { describe, expect, it } from 'vitest';
import { FlatMachineError } from '../../../src/errors.ts';
import { agentError, failureOf, toAgentError } from '../../../src/execution/agents/errors.ts';
import { retryAfter } from '../../../src/execution/agents/retry-after.ts';

/** What a provider's client throws for an answer. */
function refusal(statusCode: number, body: unknown, responseHeaders: Record<string, string> = {}): Error {
  return Object.assign(new Error('refused'), {
    statusCode,
    responseHeaders,
    responseBody: JSON.stringify(body),
  });
}

const code = (error: unknown): string => toAgentError(error, { from: 'x' }).code;

describe('errors of providers', () => {
  it.each([
    // As the providers word them.
    [
      'context-length',
      400,
      {
        error: {
          message: "This model's maximum context length is 8192 tokens.",
          code: 'context_length_exceeded',
        },
      },
    ],
    [
      'context-length',
      400,
      {
        type: 'error',
        error: {
          type: 'invalid_request_error',
          message: 'prompt is too long: 210000 tokens > 200000 maximum',
        },
      },
    ],
    [
      'context-length',
      400,
      [
        {
          error: {
            code: 400,
            message: 'The input token count (1200000) exceeds the maximum number of tokens allowed',
            status: 'INVALID_ARGUMENT',
          },
        },
      ],
    ],
    [
      'context-length',
      400,
      {
        error: {
          message: 'the request exceeds the available context size',
          type: 'exceed_context_size_error',
        },
      },
    ],
    [
      'context-length',
      413,
      { error: { message: 'Please reduce the length of the messages or completion.' } },
    ],
    [
      'rate-limit',
      429,
      {
        error: {
          message: 'Request too large: reduce the length of your messages',
          code: 'rate_limit_exceeded',
        },
      },
    ],
    ['content-filter', 400, { error: { code: 'content_filter', message: 'filtered' } }],
    ['auth', 401, { error: { message: 'no key' } }],
    ['auth', 403, { error: { message: 'The long context beta is not available: context length' } }],
    ['invalid-request', 404, { error: { message: 'The model `x` does not exist', code: 'model_not_found' } }],
    ['invalid-request', 422, { detail: 'no such field' }],
    ['agent-timeout', 408, { error: 'Request timeout' }],
    ['server', 529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }],
    ['server', 503, 'nothing of use'],
    ['server', 200, '<html>'],
    // OpenRouter puts the real status into an answer that looks good.
    ['rate-limit', 200, { error: { code: 429, message: 'slow down' } }],
  ])('%s: %d %j', (expected, status, body) => {
    expect(code(refusal(status, body))).toBe(expected);
  });

  it('tells a limit that waiting does not lift', () => {
    const error = refusal(429, {
      error: { message: 'You exceeded your current quota', code: 'insufficient_quota' },
    });
    expect(failureOf(error)).toMatchObject({ status: 429, retryable: false });
  });

  it.each([
    [Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }), 'network'],
    [
      new TypeError('fetch failed', {
        cause: Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }),
      }),
      'network',
    ],
    [new TypeError('terminated'), 'network'],
    [{ type: 'overloaded_error', message: 'Overloaded' }, 'server'],
    [{ type: 'rate_limit_error', message: 'slow' }, 'rate-limit'],
    [new RangeError('a mistake in the code'), 'agent'],
  ])('%s is %s', (error, expected) => {
    expect(code(error)).toBe(expected);
  });

  it('does not take a mistake for the failure of a call', () => {
    expect(failureOf(new TypeError('x is not a function'))).toBeNull();
    expect(failureOf('text')).toBeNull();
    expect(failureOf(new FlatMachineError('lease-lost', 'gone'))).toBeNull();
  });

  it('reads back what an error of ours says', () => {
    const error = agentError('rate-limit', 'slow', { status: 429, retryAfter: 3 });
    expect(failureOf(error)).toEqual({ status: 429, retryable: true, retry_after: 3 });
    expect(toAgentError(error, { from: 'x' })).toBe(error);
    expect(failureOf(new FlatMachineError('auth', 'no'))).toEqual({
      status: null,
      retryable: false,
      retry_after: null,
    });
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-21T00:00:00Z');

  it.each([
    [{ 'retry-after': '12' }, 12],
    [{ 'retry-after': '0.5' }, 0.5],
    [{ 'retry-after': 'Sat, 21 Nov 2026 00:01:30 GMT' }, 90],
    [{ 'retry-after': 'Fri, 20 Nov 2026 00:00:00 GMT' }, 0],
    [{ 'retry-after-ms': '250', 'retry-after': '12' }, 0.25],
    [{ 'retry-after': 'soon' }, null],
    [{}, null],
  ])('%j is %s s', (headers, seconds) => {
    expect(retryAfter(headers, now)).toBe(seconds);
  });
});
