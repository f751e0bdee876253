import { FlatMachineError } from '../../../errors.ts';
import { isJsonObject } from '../../../json.ts';
import type { JsonObject, JsonValue, SourceLocation } from '../../../types.ts';

/** What an agent says of its model, and the profiles that go with it. */
export interface ModelSource {
  /** `data` of the flatagent. */
  readonly data: JsonObject;
  /** `data` of the flatprofile, or null. */
  readonly profiles: JsonObject | null;
  readonly location: SourceLocation;
}

/**
 * The settings of an agent's model. Later layers win: the profiles' `default`, the profile the agent names, what the agent says itself, the profiles' `override`.
 * @param rendered names that are templates, as text
 * @throws FlatMachineError `invalid-machine` for a profile that does not exist
 */
export function resolveProfile(
  { data, profiles, location }: ModelSource,
  rendered: (text: string) => string,
): JsonObject {
  const known = isJsonObject(profiles?.model_profiles) ? profiles.model_profiles : {};
  const named = (name: JsonValue | undefined): JsonObject => {
    if (typeof name !== 'string') return {};
    const profile = Object.hasOwn(known, name) ? known[name] : undefined;
    if (isJsonObject(profile)) return profile;
    throw unknownProfile(name, Object.keys(known), location);
  };
  /** A profile's name, `{profile, …}`, the settings themselves, or (4.x) a whole file. */
  const own = (reference: JsonValue | undefined): JsonObject => {
    if (typeof reference === 'string') {
      const name = rendered(reference);
      return name === '' ? {} : named(name);
    }
    if (!isJsonObject(reference)) return {};
    if (isJsonObject(reference.data)) return fromFile(reference.data, location);
    const { profile, ...inline } = reference;
    return { ...own(profile), ...inline };
  };
  return merge(named(profiles?.default), own(data.profile), own(data.model), named(profiles?.override));
}

/** Settings of later layers win; what is null or empty is not set. */
function merge(...layers: readonly JsonObject[]): JsonObject {
  const settings: JsonObject = {};
  for (const layer of layers) {
    for (const [name, value] of Object.entries(flat(layer))) {
      if (value !== null && value !== '') settings[name] = value;
    }
  }
  return settings;
}

/** 4.x: `model` of a profile is the model's name, or its settings. */
function flat({ model, ...settings }: JsonObject): JsonObject {
  if (typeof model === 'string') return { ...settings, name: model };
  return isJsonObject(model) ? { ...settings, ...model } : settings;
}

/** The profile of a file that has one alone, or the default one of several. */
function fromFile(data: JsonObject, location: SourceLocation): JsonObject {
  if (!isJsonObject(data.model_profiles)) return data;
  const profile = typeof data.default === 'string' ? data.model_profiles[data.default] : undefined;
  if (isJsonObject(profile)) return profile;
  throw new FlatMachineError(
    'invalid-machine',
    'the file that `profile` names has several profiles and no default',
    { location },
  );
}

function unknownProfile(name: string, known: readonly string[], location: SourceLocation): FlatMachineError {
  const there = known.length === 0 ? 'the machine has no profiles' : `there are: ${known.join(', ')}`;
  return new FlatMachineError('invalid-machine', `there is no profile "${name}"; ${there}`, {
    location,
    remedy: 'Name the file of profiles as `settings.profiles`, or write the model as `{provider, name}`.',
  });
}
