import { isJsonObject, parseJson } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import type { AgentErrorCode } from './error-codes.ts';
import { retryAfter } from './retry-after.ts';

/** What an error of a provider, or of the network on the way to it, was. */
export interface ProviderFailure {
  code: AgentErrorCode;
  message: string;
  status: number | null;
  retryable: boolean;
  /** Seconds. */
  retryAfter: number | null;
}

/** Causes deeper than this are not looked at. */
const MAX_CAUSES = 6;

/** Reads what a client of a provider threw: errors with a status, errors a provider sent as data, errors of the network. Null = neither. */
export function classify(error: unknown): ProviderFailure | null {
  const chain = causes(error);
  for (const link of chain) {
    const status = statusOf(link);
    const sent = sentError(link);
    if (status !== null || sent !== null || isNonsense(link)) return fromAnswer(link, status, sent, chain);
  }
  const network = chain.find(isNetworkError);
  return network ? broken(network) : null;
}

/** The error as a provider words it. */
interface SentError {
  message: string;
  /** `type`, `code` and `status` of the body, joined: providers put the same words into different ones. */
  words: string;
  /** A status that stands in the body. */
  status: number | null;
}

function fromAnswer(
  link: object,
  status: number | null,
  sent: SentError | null,
  chain: readonly object[],
): ProviderFailure {
  const real = status === null || status < 400 ? (sent?.status ?? status) : status;
  const network = real === null || real < 400 ? chain.find(isNetworkError) : undefined;
  if (network && sent === null) return broken(network);
  const message = sent?.message || messageOf(link) || `HTTP ${real}`;
  const text = `${sent?.words ?? ''} ${message}`;
  const [code, retryable] = kindOf(real, text);
  return { code, message, status: real, retryable, retryAfter: retryAfter(headersOf(link)) };
}

type Kind = readonly [code: AgentErrorCode, retryable: boolean];

/** What words of a provider say more exactly than the status does. The first that fits. */
const BY_WORDS: readonly (readonly [words: RegExp, Kind])[] = [
  [
    /context_length_exceeded|exceed_context_size|maximum context|context (?:length|window|size|limit)|(?:prompt|input|request) is too long|reduce the length of|input token count/i,
    ['context-length', false],
  ],
  [
    /content_filter|content_policy|content management policy|ResponsibleAIPolicy|blocked by .{0,40}(?:safety|content|moderation)|flagged/i,
    ['content-filter', false],
  ],
  [/insufficient_quota|billing_(?:hard_)?limit|exceeded your current quota/i, ['rate-limit', false]],
];

/** The provider's own name of the kind of error, where there is no status. */
const BY_TYPE: readonly (readonly [words: RegExp, Kind])[] = [
  [/rate_limit|too_many_requests|RESOURCE_EXHAUSTED/i, ['rate-limit', true]],
  [/authentication|permission|invalid_api_key|UNAUTHENTICATED/i, ['auth', false]],
  [/timeout|DEADLINE_EXCEEDED/i, ['agent-timeout', true]],
  [/invalid_request|not_found|INVALID_ARGUMENT/i, ['invalid-request', false]],
];

const BY_STATUS: Readonly<Record<number, Kind>> = {
  401: ['auth', false],
  403: ['auth', false],
  408: ['agent-timeout', true],
  409: ['server', true],
  425: ['server', true],
  429: ['rate-limit', true],
};

function kindOf(status: number | null, text: string): Kind {
  const speaks = status === null || status < 500 ? BY_WORDS.find(([words]) => words.test(text)) : undefined;
  if (speaks && isBelievable(speaks[1][0], status)) return speaks[1];
  const known = status === null ? undefined : BY_STATUS[status];
  if (known) return known;
  if (status !== null && status >= 300 && status < 500) return ['invalid-request', false];
  const typed = status === null ? BY_TYPE.find(([words]) => words.test(text)) : undefined;
  // Also an answer that is not what the protocol says: whoever stands in between failed.
  return typed?.[1] ?? ['server', true];
}

/** A limit of tokens per minute also speaks of lengths; so does a key without the right to a longer context. */
function isBelievable(code: AgentErrorCode, status: number | null): boolean {
  if (status === 429) return code === 'rate-limit';
  return status !== 401 && (status !== 403 || code === 'content-filter');
}

function causes(error: unknown): object[] {
  const chain: object[] = [];
  for (let link = error; typeof link === 'object' && link !== null && chain.length < MAX_CAUSES; ) {
    chain.push(link);
    link = (link as { cause?: unknown }).cause;
  }
  return chain;
}

function statusOf(link: object): number | null {
  const { statusCode, status } = link as { statusCode?: unknown; status?: unknown };
  const value = statusCode ?? status;
  return typeof value === 'number' && Number.isInteger(value) && value >= 100 && value < 600 ? value : null;
}

function headersOf(link: object): Record<string, string | undefined> {
  const { responseHeaders } = link as { responseHeaders?: Record<string, string> };
  return responseHeaders ?? {};
}

function messageOf(link: object): string {
  return String((link as { message?: unknown }).message ?? '');
}

/** The error a provider sent: in the body of a refusal, in that of an answer that should have been a good one, or in a stream. */
function sentError(link: object): SentError | null {
  if (!(link instanceof Error)) return readSent(link as JsonObject);
  const { responseBody, data, value } = link as { responseBody?: unknown; data?: unknown; value?: unknown };
  const body = [data, value].find(isJsonObject) ?? parse(responseBody);
  return body === null ? null : readSent(body);
}

function parse(text: unknown): JsonObject | null {
  const body = typeof text === 'string' ? parseJson(text) : undefined;
  // Gemini wraps its errors in a list.
  const first = Array.isArray(body) ? body[0] : body;
  return isJsonObject(first) ? first : null;
}

function readSent(body: JsonObject): SentError | null {
  const { error } = body;
  const of = isJsonObject(error) ? error : body;
  const message = typeof error === 'string' ? error : (of.message ?? of.detail);
  if (typeof message !== 'string') return null;
  const { code } = of;
  const status = typeof code === 'number' && code >= 400 && code < 600 ? code : null;
  const words = [of.type, code, of.status].filter((word) => typeof word === 'string').join(' ');
  return { message, words, status };
}

/** Names of the errors with which the provider packages say that an answer is not what the protocol says. */
const NONSENSE =
  /^AI_(?:JSONParse|TypeValidation|InvalidResponseData|EmptyResponseBody|NoContentGenerated)Error$/;

function isNonsense(link: object): boolean {
  return NONSENSE.test(String((link as { name?: unknown }).name));
}

const NETWORK_CODE =
  /^(?:E(?:CONN\w+|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|HOSTDOWN|NETDOWN|NOTFOUND|AI_\w+|PROTO|ADDRNOTAVAIL)|UND_ERR_\w+|ERR_SSL_\w+|ERR_TLS_\w+|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+|HPE_\w+|ERR_STREAM_PREMATURE_CLOSE)$/;

const NETWORK_MESSAGE = /^(?:terminated|fetch failed|aborted|socket hang up|other side closed)$/i;

function isNetworkError(link: object): boolean {
  const { code } = link as { code?: unknown };
  return (typeof code === 'string' && NETWORK_CODE.test(code)) || NETWORK_MESSAGE.test(messageOf(link));
}

function broken(network: object): ProviderFailure {
  const { code } = network as { code?: unknown };
  const said = messageOf(network) || 'the connection broke';
  const message = typeof code === 'string' && !said.includes(code) ? `${said} (${code})` : said;
  return { code: 'network', message, status: null, retryable: true, retryAfter: null };
}
