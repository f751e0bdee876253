import { FlatMachineError } from '../errors.ts';
import { absentRole, completeSet } from './absent.ts';
import { withLeasesOf } from './foreign-leases.ts';
import type {
  BackendOptions,
  BackendRoles,
  BackendSet,
  PersistenceBackend,
  ResultBackend,
} from './interfaces.ts';
import { MIXED_ROLES, type MixedParts, type MixedRole, mixedParts, mixedUrl } from './mixed-url.ts';
import { RESULT_PATHS, resultUri } from './result-uri.ts';

type OpenRoles = (url: string, options: BackendOptions) => Promise<BackendRoles>;

/**
 * Opens a set whose roles are kept in different stores; each store is opened once, however many roles it has.
 *
 * Where leases are kept elsewhere than steps, no write can check its fence in the same atomic step. The holder is asked for right before instead; what
 * slips through between the two meets the write-once keys: of two writers of one step or one journal entry one is told of the conflict.
 *
 * @param url as made by `mixedUrl`
 * @throws FlatMachineError `usage` for a role that does not exist or has no store, `unknown-backend` for a store that does not keep what it is named for, and as the stores do
 */
export async function openMixed(url: string, options: BackendOptions, open: OpenRoles): Promise<BackendSet> {
  const parts = checkParts(mixedParts(url));
  const stores = await openAll(new Set(Object.values(parts)), options, open);
  const at = (role: MixedRole): BackendRoles => stores.get(parts[role] ?? parts.persistence) as BackendRoles;
  try {
    for (const role of MIXED_ROLES) if (parts[role] !== undefined) checkRole(role, at(role));
  } catch (error) {
    await closeAll([...stores.values()]);
    throw error;
  }
  return assemble(parts, at, [...stores.values()]);
}

function checkParts(parts: Record<string, string>): MixedParts {
  const strange = Object.keys(parts).find((name) => !MIXED_ROLES.some((role) => role === name));
  const { persistence } = parts;
  if (strange === undefined && persistence !== undefined) return { ...parts, persistence };
  throw new FlatMachineError(
    'usage',
    strange === undefined
      ? 'a mixed URL says where the steps are kept'
      : `a mixed URL has no part ${JSON.stringify(strange)}`,
    {
      remedy: `Use mixed:?persistence=URL&ROLE=URL…; roles are ${MIXED_ROLES.slice(1).join(', ')}. Journals and signals are kept with the steps, slots with the leases. Write an & inside one of the URLs as %26.`,
    },
  );
}

function checkRole(role: MixedRole, store: BackendRoles): void {
  if (store[role] !== undefined) return;
  throw new FlatMachineError('unknown-backend', `${store.url} cannot be used for ${role}`, {
    remedy: 'Name a store that keeps it.',
  });
}

async function openAll(
  urls: ReadonlySet<string>,
  options: BackendOptions,
  open: OpenRoles,
): Promise<Map<string, BackendRoles>> {
  const stores = new Map<string, BackendRoles>();
  try {
    for (const url of urls) stores.set(url, await open(url, options));
  } catch (error) {
    await closeAll([...stores.values()]);
    throw error;
  }
  return stores;
}

function assemble(
  parts: MixedParts,
  at: (role: MixedRole) => BackendRoles,
  stores: readonly BackendRoles[],
): BackendSet {
  const home = completeSet(at('persistence'));
  const locks = completeSet(at('locking'));
  const { results } = completeSet(at('results'));
  const { persistence, journal, signals, locking } =
    at('locking') === at('persistence') ? home : withLeasesOf(locks.locking, home);
  // Environments outlive this process: a store that does not would forget them.
  const forgetful = locks.durability === 'none' && home.durability !== 'none';
  let closing: Promise<void> | null = null;
  return {
    url: mixedUrl(
      Object.fromEntries(
        MIXED_ROLES.flatMap((role) => (parts[role] === undefined ? [] : [[role, at(role).url]])),
      ),
    ),
    durability: home.durability,
    persistence:
      at('results') === at('persistence') ? persistence : withResultsElsewhere(persistence, results),
    journal,
    signals,
    locking,
    slots: forgetful ? absentRole('slots', locks.url) : locks.slots,
    results,
    registration: completeSet(at('registration')).registration,
    work: completeSet(at('work')).work,
    close() {
      closing ??= closeAll(stores);
      return closing;
    },
  };
}

/** Results go first: an execution that is still listed can be deleted again, results without one would stay for ever. */
function withResultsElsewhere(persistence: PersistenceBackend, results: ResultBackend): PersistenceBackend {
  return {
    ...persistence,
    async deleteExecution(executionId) {
      for (const path of RESULT_PATHS) await results.delete(resultUri(executionId, path));
      await persistence.deleteExecution(executionId);
    },
  };
}

/** @throws the first error, once all are closed */
async function closeAll(stores: readonly BackendRoles[]): Promise<void> {
  const outcomes = await Promise.allSettled(stores.map((store) => store.close()));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}
