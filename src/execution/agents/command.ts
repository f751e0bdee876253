import { FlatMachineError } from '../../errors.ts';
import { isJsonObject, parseJson } from '../../json.ts';
import { compileTemplate } from '../../machine/expressions/template.ts';
import type { AgentDefinition, Render } from '../../machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import type { Sandbox, SandboxResult } from '../tools/interfaces.ts';
import { bounded } from '../tools/text.ts';
import { agentError } from './errors.ts';
import type { AgentCall, AgentExecutor, AgentFactory, AgentResult } from './interfaces.ts';

/** Seconds a command may take unless it says otherwise. */
const DEFAULT_TIMEOUT = 600;

/** The largest file that is taken as an answer, bytes. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** What errors keep of a command's output, characters. */
const MAX_DETAIL = 4000;

const KNOWN = ['cmd', 'timeout', 'cwd', 'env', 'stdin', 'output', 'allow_nonzero'] as const;

/** Where a command's answer is. */
type Output = 'text' | 'json' | { readonly file: string };

interface CommandConfig {
  readonly cmd: Render;
  readonly timeout: number;
  readonly cwd: string | null;
  readonly env: ReadonlyMap<string, Render>;
  readonly stdin: Render | null;
  readonly output: Output;
  readonly allowNonzero: boolean;
}

/**
 * Agents of type `command`: a command-line agent that runs inside the execution's slot. `cmd`, `stdin` and the values of `env` are templates over `input` and
 * `context`; hand what is not to be read as shell over in `env` or `stdin`. `output`: `text` (default; stdout is the content), `json` (all of stdout or its
 * last line), or `{file}` (JSON if its name ends in `.json`, else text). A kill leaves the command running: a resume joins it.
 */
export const commandFactory: AgentFactory = (definition) => {
  const config = readConfig(definition);
  return {
    execute: (input, context, call) => execute(definition.name, config, input, context, call),
  } satisfies AgentExecutor;
};

async function execute(
  name: string,
  config: CommandConfig,
  input: JsonObject,
  context: JsonObject,
  call: AgentCall,
): Promise<AgentResult> {
  const scope = { input, context };
  const sandbox = await call.sandbox();
  const env = [...config.env].map(([key, render]) => [key, asText(render(scope))] as const);
  const result = await sandbox.run({
    id: call.call.replace(/[^A-Za-z0-9._-]/g, '-'),
    cmd: asText(config.cmd(scope)),
    timeout: config.timeout,
    onOutput: (text) => call.stream(text),
    ...(config.cwd === null ? {} : { cwd: config.cwd }),
    ...(env.length === 0 ? {} : { env: Object.fromEntries(env) }),
    ...(config.stdin === null ? {} : { stdin: asText(config.stdin(scope)) }),
  });
  assertEnded(name, config, result);
  const answer = await collect(name, config.output, sandbox, result);
  return { ...answer, finish_reason: 'stop', metadata: { returncode: result.returncode } };
}

/** @throws FlatMachineError `agent-timeout`, `agent` */
function assertEnded(name: string, config: CommandConfig, result: SandboxResult): void {
  const { returncode, timed_out, outcome, output } = result;
  if (returncode === 0 || (returncode !== null && config.allowNonzero)) return;
  const details = { returncode, outcome, output: bounded(output, MAX_DETAIL) };
  if (timed_out) {
    throw agentError('agent-timeout', `agent "${name}" ran longer than ${config.timeout} s`, {
      details,
      remedy: 'Raise the agent’s `timeout`; `execution: {type: retry}` runs it again.',
    });
  }
  const end = returncode === null ? outcome : `exit code ${returncode}`;
  throw agentError('agent', `agent "${name}" failed: ${end}`, {
    details,
    remedy: 'See its output in the details; `allow_nonzero: true` accepts any exit code.',
  });
}

async function collect(
  name: string,
  output: Output,
  sandbox: Sandbox,
  { stdout }: SandboxResult,
): Promise<AgentResult> {
  if (output === 'text') return { content: stdout };
  if (output === 'json') return structured(name, lastJson(stdout), stdout);
  const text = Buffer.from(await answerFile(name, output.file, sandbox)).toString('utf8');
  return output.file.endsWith('.json') ? structured(name, parseJson(text), text) : { content: text };
}

/** @throws FlatMachineError `invalid-output` when it left none */
async function answerFile(name: string, file: string, sandbox: Sandbox): Promise<Uint8Array> {
  try {
    return await sandbox.readFile(file, MAX_ANSWER);
  } catch (cause) {
    if (!(cause instanceof FlatMachineError) || !NO_ANSWER.has(cause.code)) throw cause;
    throw new FlatMachineError(
      'invalid-output',
      `agent "${name}" left no answer in ${file}: ${cause.message}`,
      { cause },
    );
  }
}

const NO_ANSWER: ReadonlySet<string> = new Set(['not-found', 'too-large', 'unsafe-path']);

/** A map is the output as it is, another value stands under `value`. */
function structured(name: string, value: JsonValue | undefined, text: string): AgentResult {
  if (value !== undefined) return { output: isJsonObject(value) ? value : { value }, content: text };
  throw agentError('invalid-output', `agent "${name}" gave no JSON`, {
    details: { output: bounded(text, MAX_DETAIL) },
  });
}

function lastJson(text: string): JsonValue | undefined {
  const whole = parseJson(text);
  return whole === undefined ? parseJson(text.trimEnd().split('\n').at(-1) ?? '') : whole;
}

function asText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function readConfig(definition: AgentDefinition): CommandConfig {
  const { config, location, name } = definition;
  const fail = (problem: string): never => {
    throw new FlatMachineError('invalid-machine', `agent "${name}" of type command: ${problem}`, {
      location,
    });
  };
  const unknown = Object.keys(config).find((key) => !(KNOWN as readonly string[]).includes(key));
  if (unknown !== undefined) fail(`there is no field "${unknown}"; there are: ${KNOWN.join(', ')}`);
  const {
    cmd,
    timeout = DEFAULT_TIMEOUT,
    cwd,
    env = {},
    stdin,
    output = 'text',
    allow_nonzero = false,
  } = config;
  const template = (value: JsonValue | undefined, field: string): Render => {
    if (typeof value !== 'string' || value === '') return fail(`"${field}" must be a text`);
    return compileTemplate(value, 'text', location);
  };
  if (typeof timeout !== 'number' || !(timeout > 0))
    return fail('"timeout" must be a number of seconds above 0');
  if (cwd !== undefined && typeof cwd !== 'string')
    return fail('"cwd" must be a path relative to the workspace');
  if (!isJsonObject(env)) return fail('"env" must be a map of texts');
  if (typeof allow_nonzero !== 'boolean') return fail('"allow_nonzero" must be true or false');
  return {
    cmd: template(cmd, 'cmd'),
    timeout,
    cwd: cwd ?? null,
    env: new Map(Object.entries(env).map(([key, value]) => [key, template(value, `env.${key}`)])),
    stdin: stdin === undefined ? null : template(stdin, 'stdin'),
    output: readOutput(output) ?? fail('"output" must be text, json or {file: PATH}'),
    allowNonzero: allow_nonzero,
  };
}

function readOutput(value: JsonValue): Output | null {
  if (value === 'text' || value === 'json') return value;
  return isJsonObject(value) && typeof value.file === 'string' && value.file !== ''
    ? { file: value.file }
    : null;
}
