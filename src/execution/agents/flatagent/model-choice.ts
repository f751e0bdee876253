import type { LanguageModelV2 } from '@ai-sdk/provider';
import {
  compileTemplate,
  compileValue,
  isBarePath,
  isTemplate,
} from '../../../machine/expressions/template.ts';
import type { Render, Scope } from '../../../machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../../../types.ts';
import type { Variables } from '../../llm/fill-secrets.ts';
import { openModel } from '../../llm/open-model.ts';
import { type ModelSettings, readModelSettings } from '../../llm/settings.ts';
import { type ModelSource, resolveProfile } from './profile.ts';

/** A model that can be asked. */
export interface ReadyModel {
  readonly settings: ModelSettings;
  open(): Promise<LanguageModelV2>;
}

/** The model of an agent. Settings may be templates over `input` and `context`; one that has none is made once. */
export class ModelChoice {
  readonly #source: ModelSource;
  readonly #env: Variables;
  readonly #fixed: boolean;
  #ready: ReadyModel | null = null;
  readonly #compiled = new WeakMap<JsonObject, Render>();
  #settings: JsonObject | null = null;

  /** @throws FlatMachineError `invalid-machine` for a profile that does not exist, `template-error` */
  constructor(source: ModelSource, env: Variables) {
    this.#source = source;
    this.#env = env;
    const named = [source.data.profile, source.data.model].some(namesByTemplate);
    if (!named) this.#settings = resolveProfile(source, (name) => name);
    this.#fixed = this.#settings !== null && !hasTemplate(this.#settings);
    if (this.#settings !== null) this.#render(this.#settings);
  }

  /** @throws FlatMachineError `invalid-machine`, `template-error`, `auth` when the key's variable is not set */
  for(input: JsonObject, context: JsonObject): ReadyModel {
    if (this.#ready !== null) return this.#ready;
    const scope: Scope = { input, context };
    const settings = this.#settings ?? resolveProfile(this.#source, (name) => this.#name(name, scope));
    const ready = new LazyModel(readModelSettings(this.#render(settings)(scope) as JsonObject, this.#env));
    if (this.#fixed) this.#ready = ready;
    return ready;
  }

  #name(name: string, scope: Scope): string {
    return String(compileTemplate(name, 'text', this.#source.location)(scope) ?? '');
  }

  #render(settings: JsonObject): Render {
    const known = this.#compiled.get(settings);
    if (known !== undefined) return known;
    const render = compileValue(settings, 'native', () => this.#source.location);
    this.#compiled.set(settings, render);
    return render;
  }
}

class LazyModel implements ReadyModel {
  readonly settings: ModelSettings;
  #model: Promise<LanguageModelV2> | null = null;

  constructor(settings: ModelSettings) {
    this.settings = settings;
  }

  open(): Promise<LanguageModelV2> {
    this.#model ??= openModel(this.settings);
    return this.#model;
  }
}

/** Whether a reference to a profile is only known once there is an input. */
function namesByTemplate(reference: JsonValue | undefined): boolean {
  if (typeof reference === 'string') return hasTemplate(reference);
  const profile =
    typeof reference === 'object' && reference !== null && !Array.isArray(reference)
      ? reference.profile
      : undefined;
  return typeof profile === 'string' && hasTemplate(profile);
}

function hasTemplate(value: JsonValue): boolean {
  if (typeof value === 'string') return isTemplate(value) || isBarePath(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasTemplate);
}
