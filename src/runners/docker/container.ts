import type Docker from 'dockerode';
import { FlatMachineError } from '../../errors.ts';
import type { EnvironmentSpec } from '../interfaces.ts';
import { supervisorScript } from '../supervisor/script.ts';

/** Where the slots' workspaces are in a container. */
export const DATA_DIR = '/data';
/** Where the supervisor keeps its journal in a container. */
export const SUPERVISOR_DIR = '/var/lib/flatmachine';

/** Processes and threads a container may have unless the spec says otherwise: room for large builds, and an end to fork bombs. */
const DEFAULT_PIDS = 1024;

/** What commands that run as root in the container need to own files, end processes and become other users; nothing beyond. */
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'];

/** Label with the environment's id, which makes a container one of ours. */
export const ID_LABEL = 'flatmachine.id';
/** Label with what has to be known again of the spec, as JSON: {@link SpecRecord}. */
const SPEC_LABEL = 'flatmachine.spec';

/** What is recorded of a spec on its container. */
export interface SpecRecord {
  labels: Record<string, string>;
  env: Record<string, string>;
}

/**
 * The name of an environment's container.
 * @throws FlatMachineError `invalid-id`
 */
export function containerName(id: string): string {
  if (!/^[a-z0-9-]{1,63}$/.test(id)) {
    throw new FlatMachineError('invalid-id', `${JSON.stringify(id)} is no environment id`);
  }
  return `flatmachine-${id}`;
}

/** What was recorded on a container, or null when it is not the one of the environment it claims to be, or of none. */
export function recordOn(labels: Record<string, string>, name: string): ({ id: string } & SpecRecord) | null {
  const id = labels[ID_LABEL];
  // containers made by others from a snapshot of ours have its labels, but not its name
  if (id === undefined || name.replace(/^\//, '') !== `flatmachine-${id}`) return null;
  return { id, labels: {}, env: {}, ...(JSON.parse(labels[SPEC_LABEL] ?? '{}') as Partial<SpecRecord>) };
}

const SCRIPT = `${SUPERVISOR_DIR}/supervisor.sh`;

/**
 * The container's first process: puts the supervisor's script where channels find it, and stays. A journal that came with the
 * image, which then is a snapshot, is not this container's.
 */
const BOOT = [
  'export "$2"',
  `rm -rf ${SUPERVISOR_DIR} && mkdir -p ${SUPERVISOR_DIR}`,
  `printf %s "$1" >${SCRIPT}.new && mv ${SCRIPT}.new ${SCRIPT}`,
  `exec /bin/sh ${SCRIPT} idle ${SUPERVISOR_DIR} ${DATA_DIR} 1`,
].join(' && ');

/** What a channel says first. */
export const SERVE_READY = 'flatmachine\n';

/** Serves a channel, once the container's first process has put the script in place. */
export const SERVE_COMMAND = [
  '/bin/sh',
  '-c',
  `n=0
until [ -e ${SCRIPT} ]; do
  n=$((n + 1))
  [ "$n" -le 500 ] || exit 1
  sleep 0.02
done
printf 'flatmachine\\n'
exec /bin/sh ${SCRIPT} serve ${SUPERVISOR_DIR} ${DATA_DIR} 1`,
];

/** The variable by which the supervisor knows its own processes. */
export function supervisorMark(id: string): string {
  return `FLATMACHINE_SUPERVISOR=:${id}:`;
}

/**
 * What the daemon is asked for. Everything runs as root of the container, whatever USER its image names: the supervisor must be able
 * to end every process of a slot and to empty every workspace.
 */
export function containerOptions(spec: EnvironmentSpec & { image: string }): Docker.ContainerCreateOptions {
  const { id, image, network = 'none', limits = {}, labels, env = {} } = spec;
  const { memory, cpus, pids = DEFAULT_PIDS } = limits;
  const record: SpecRecord = { labels, env };
  return {
    name: containerName(id),
    Image: image,
    Entrypoint: ['/bin/sh'],
    Cmd: ['-c', BOOT, 'flatmachine', supervisorScript(), supervisorMark(id)],
    User: '0:0',
    WorkingDir: '/',
    Tty: false,
    OpenStdin: false,
    // its processes would be strangers in the box
    Healthcheck: { Test: ['NONE'] },
    Labels: { ...labels, [ID_LABEL]: id, [SPEC_LABEL]: JSON.stringify(record) },
    HostConfig: {
      Init: true,
      AutoRemove: false,
      RestartPolicy: { Name: 'no' },
      NetworkMode: network,
      PidsLimit: Math.floor(pids),
      ...(memory === undefined ? {} : { Memory: Math.floor(memory), MemorySwap: Math.floor(memory) }),
      ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
      CapDrop: ['ALL'],
      CapAdd: CAPABILITIES,
      SecurityOpt: ['no-new-privileges'],
    },
  };
}
