import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { EnvironmentRecord } from './host/store.ts';
import { supervisorShell } from './host/supervisor-shell.ts';
import { supervisorScriptPath } from './supervisor/script.ts';

/** Where the box has its workspaces, its supervisor's journal, and the supervisor. */
export const BOX_DATA = '/data';
export const BOX_SUPERVISOR = '/run/flatmachine';
const BOX_SCRIPT = '/run/flatmachine.sh';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The system, read-only. */
const SYSTEM_DIRECTORIES = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** The little of /etc that programs need and that holds no secrets; what is not there is left out. */
const ETC = [
  'alternatives',
  'ca-certificates',
  'debian_version',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'os-release',
  'pki',
  'protocols',
  'resolv.conf',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
  'timezone',
];

/** Namespaces of its own and no capabilities; bwrap fails when any of it cannot be had. */
export function isolationArguments(network: string): string[] {
  const own = ['user', 'ipc', 'pid', 'uts', ...(network === 'host' ? [] : ['net'])];
  return [
    ...own.map((namespace) => `--unshare-${namespace}`),
    '--unshare-cgroup-try',
    ...['--uid', '1000', '--gid', '1000'],
    '--disable-userns',
    ...['--cap-drop', 'ALL'],
    '--new-session',
  ];
}

/** The command line that starts a box kept in `directory`; bwrap tells its child's process id on fd 3. */
export function bubblewrapArguments(directory: string, record: EnvironmentRecord): string[] {
  return [
    ...isolationArguments(record.network ?? 'none'),
    ...['--hostname', 'flatmachine', '--clearenv', '--info-fd', '3'],
    ...['--setenv', 'PATH', PATH, '--setenv', 'FLATMACHINE_SUPERVISOR', `:${record.id}:`],
    ...SYSTEM_DIRECTORIES.flatMap(systemDirectory),
    ...ETC.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
    ...[
      '--ro-bind',
      join(directory, 'passwd'),
      '/etc/passwd',
      '--ro-bind',
      join(directory, 'group'),
      '/etc/group',
    ],
    ...['--proc', '/proc', '--dev', '/dev'],
    ...coveredProc(),
    ...['--tmpfs', '/tmp', '--tmpfs', '/var/tmp', '--tmpfs', '/run'],
    ...['--bind', join(directory, 'data'), BOX_DATA],
    ...['--bind', join(directory, 'supervisor'), BOX_SUPERVISOR],
    // read-only, so that no command can put anything else in the place of the pipes that the orchestrator opens
    ...['--ro-bind', join(directory, 'channels'), `${BOX_SUPERVISOR}/channels`],
    ...['--ro-bind', supervisorScriptPath(), BOX_SCRIPT],
    ...['--chdir', BOX_DATA],
    ...supervisorShell(SYSTEM_DIRECTORIES),
    ...[BOX_SCRIPT, 'box', BOX_SUPERVISOR, BOX_DATA, '1'],
  ];
}

/** Settings of the whole machine, and facts about it that are nobody's business. Without capabilities they still open to their owner. */
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];
const HIDDEN_DIRECTORIES = ['acpi', 'asound', 'scsi'];
const HIDDEN_FILES = [
  'kallsyms',
  'kcore',
  'keys',
  'kmsg',
  'latency_stats',
  'mtrr',
  'sched_debug',
  'timer_list',
];

/**
 * Covers what /proc offers of the machine: a box started by root is that user still, whatever number it sees, and the kernel lets the
 * owner of a file in /proc/sys write it.
 */
function coveredProc(): string[] {
  const present = (name: string) => existsSync(`/proc/${name}`);
  return [
    ...READ_ONLY.filter(present).flatMap((name) => ['--ro-bind', `/proc/${name}`, `/proc/${name}`]),
    ...HIDDEN_DIRECTORIES.filter(present).flatMap((name) => ['--tmpfs', `/proc/${name}`]),
    ...HIDDEN_FILES.filter(present).flatMap((name) => ['--ro-bind', '/dev/null', `/proc/${name}`]),
  ];
}

/** Users as the box sees them. */
export const BOX_PASSWD = 'root:x:0:0:root:/root:/bin/sh\nagent:x:1000:1000:agent:/data:/bin/sh\n';
export const BOX_GROUP = 'root:x:0:\nagent:x:1000:\n';

/** Most systems have /bin and others as links into /usr. */
function systemDirectory(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  return found.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}
