import { FlatMachineError } from '../errors.ts';
import type {
  BackendRoles,
  BackendSet,
  ExecutionLock,
  JournalBackend,
  PersistenceBackend,
  RegistrationBackend,
  ResultBackend,
  SignalBackend,
  SlotBackend,
  WorkBackend,
  WorkPool,
} from './interfaces.ts';

/** A role that a technology may not have. */
type Role = Exclude<keyof BackendRoles, 'url' | 'durability' | 'close'>;

/** What each role keeps, and how a machine names another store for it. */
const ROLES: Readonly<Record<Role, readonly [what: string, remedy: string]>> = {
  persistence: ['steps', 'Name a store that keeps them under `settings.backends.persistence`.'],
  journal: ['journals', 'Name a store that keeps them under `settings.backends.persistence`.'],
  signals: [
    'signals',
    'Keep the steps in memory, sqlite, redis or postgres (`settings.backends.persistence`): signals are kept with them.',
  ],
  locking: [
    'leases',
    'Name memory, local, sqlite, redis, postgres or consul under `settings.backends.locking`.',
  ],
  slots: [
    'slots of environments',
    'Name memory, sqlite, redis or postgres under `settings.backends.locking`: slots are kept with the leases.',
  ],
  results: ['results', 'Name a store that keeps them under `settings.backends.results`.'],
  registration: ['workers', 'Name memory, sqlite, redis or postgres under `settings.backends.registration`.'],
  work: ['work pools', 'Name memory, sqlite, redis or postgres under `settings.backends.work`.'],
};

type Refuse = () => Promise<never>;

const nothing = async (): Promise<void> => {};

const MAKERS: { readonly [R in Role]: (refuse: Refuse) => BackendSet[R] } = {
  persistence: (refuse): PersistenceBackend => ({
    save: refuse,
    load: async () => null,
    delete: nothing,
    list: async () => [],
    latest: async () => null,
    history: async () => [],
    executions: async () => [],
    deleteExecution: nothing,
    requestCancel: nothing,
    cancelRequested: async () => false,
    withdrawCancel: nothing,
  }),
  journal: (refuse): JournalBackend => ({ append: refuse, entries: async () => new Map() }),
  signals: (refuse): SignalBackend => ({
    send: refuse,
    wait: refuse,
    ready: async () => [],
    nextDeadline: async () => null,
    waits: async () => [],
    queued: async () => [],
    watch: () => () => {},
  }),
  locking: (refuse): ExecutionLock => ({
    acquire: refuse,
    release: nothing,
    lease: () => null,
    holder: async () => null,
  }),
  slots: (refuse): SlotBackend => ({
    addEnvironment: refuse,
    updateEnvironment: refuse,
    retireEnvironment: async () => false,
    removeEnvironment: nothing,
    environments: async () => [],
    addSlots: refuse,
    acquireSlot: refuse,
    slot: async () => null,
    changeSlot: refuse,
    seizeSlot: refuse,
    slots: async () => [],
  }),
  results: (refuse): ResultBackend => ({
    write: refuse,
    // A blocked reader would wait for what can never come.
    read: async (_uri, options = {}) => (options.block ? refuse() : undefined),
    exists: async () => false,
    delete: nothing,
  }),
  registration: (refuse): RegistrationBackend => ({
    register: refuse,
    heartbeat: refuse,
    updateStatus: refuse,
    markLost: async () => false,
    get: async () => null,
    list: async () => [],
    remove: nothing,
  }),
  work: (refuse): WorkBackend => ({ pool: (name) => absentPool(name, refuse), pools: async () => [] }),
};

function absentPool(name: string, refuse: Refuse): WorkPool {
  return {
    name,
    push: refuse,
    pushMany: refuse,
    claim: refuse,
    claimMany: refuse,
    complete: refuse,
    fail: refuse,
    exchange: refuse,
    renew: async (claims) => claims.map(() => false),
    release: refuse,
    size: async () => 0,
    counts: async () => ({ pending: 0, delayed: 0, claimed: 0, done: 0, poisoned: 0 }),
    item: async () => null,
    items: async () => [],
    releaseByWorker: async () => 0,
    requeue: async () => 0,
    remove: async () => 0,
    watch: () => () => {},
    nextChange: async () => null,
  };
}

/** What stands for a role that the store at `url` does not have: reads find nothing, removals have nothing to do, everything else is refused (`backend`). */
export function absentRole<R extends Role>(role: R, url: string): BackendSet[R] {
  const [what, remedy] = ROLES[role];
  return MAKERS[role](async () => {
    throw new FlatMachineError('backend', `${url} keeps no ${what}`, {
      details: { role },
      remedy: `${remedy} On the command line: --backend 'mixed:?persistence=URL&locking=URL'.`,
    });
  });
}

/** The set of a store, with an {@link absentRole} for each role that it does not have. */
export function completeSet(roles: BackendRoles): BackendSet {
  const missing = (Object.keys(ROLES) as Role[]).filter((role) => roles[role] === undefined);
  return {
    ...roles,
    ...Object.fromEntries(missing.map((role) => [role, absentRole(role, roles.url)])),
  } as BackendSet;
}
