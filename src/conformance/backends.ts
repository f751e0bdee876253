import type { BackendSet } from '../backends/interfaces.ts';
import { journalCases } from './backends/journal.ts';
import { lockingCases } from './backends/locking.ts';
import { persistenceCases } from './backends/persistence.ts';
import type { BackendPlace, SetCase } from './backends/place.ts';
import { registrationCases } from './backends/registration.ts';
import { resultCases } from './backends/results.ts';
import { sharedWorkCases } from './backends/shared-work.ts';
import { type SharedCase, sharingCases } from './backends/sharing.ts';
import { signalCases } from './backends/signals.ts';
import { slotCases } from './backends/slots.ts';
import { workCases } from './backends/work.ts';
import type { ConformanceCase } from './case.ts';

export type { BackendPlace } from './backends/place.ts';

/** What a technology may offer. */
type Role = Exclude<keyof BackendSet, 'url' | 'durability' | 'close'>;

const BY_ROLE: Readonly<Record<Role, Readonly<Record<string, SetCase>>>> = {
  persistence: persistenceCases,
  locking: lockingCases,
  results: resultCases,
  slots: slotCases,
  journal: journalCases,
  signals: signalCases,
  registration: registrationCases,
  work: workCases,
};

/** Cases over several sets, by the roles that they use. */
const SHARED: readonly { roles: readonly Role[]; cases: Readonly<Record<string, SharedCase>> }[] = [
  { roles: ['persistence', 'locking', 'results'], cases: sharingCases },
  { roles: ['registration', 'work'], cases: sharedWorkCases },
];

/**
 * What every implementation of the backends' interfaces has to pass. What only real processes can show (death, being
 * stopped, races between them) is not in it.
 *
 * @param make gives each case an empty store of its own
 * @param options.shared whether sets opened on one place see each other's data, at once and after all were closed; false for a
 *   store that dies with its set, which leaves the cases out that need it
 * @param options.roles those that the technology has, e.g. `['locking']`; default all. Cases that need another one are left out.
 * @example
 * for (const c of backendConformance(makePlace, { shared: true })) test(c.name, c.run);
 */
export function backendConformance(
  make: () => Promise<BackendPlace>,
  options: { shared: boolean; roles?: readonly string[] },
): ConformanceCase[] {
  const cases: ConformanceCase[] = [];
  const has = (role: string) => options.roles?.includes(role) ?? true;
  for (const [role, named] of Object.entries(BY_ROLE)) {
    if (!has(role)) continue;
    for (const [name, work] of Object.entries(named)) {
      cases.push({ name: `${role}: ${name}`, run: () => inPlace(make, (place) => onOneSet(place, work)) });
    }
  }
  if (!options.shared) return cases;
  for (const { roles, cases: named } of SHARED) {
    if (!roles.every(has)) continue;
    for (const [name, work] of Object.entries(named)) {
      cases.push({ name: `shared: ${name}`, run: () => inPlace(make, work) });
    }
  }
  return cases;
}

async function inPlace(
  make: () => Promise<BackendPlace>,
  work: (place: BackendPlace) => Promise<void>,
): Promise<void> {
  const place = await make();
  try {
    await work(place);
  } finally {
    await place.dispose?.();
  }
}

async function onOneSet(place: BackendPlace, work: SetCase): Promise<void> {
  const set = await place.open();
  try {
    await work(set);
  } finally {
    await set.close();
  }
}
