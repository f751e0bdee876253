import { findProgram } from './programs.ts';

/**
 * The shell that the supervisor itself runs in on this host; commands get /bin/sh. A busybox starts its small tools without
 * an exec and can wait with a limit, which makes it several times faster here than dash.
 * @param below only a program below one of these directories will do
 */
export function supervisorShell(below: readonly string[] = ['/']): [string, ...string[]] {
  const busybox = findProgram('busybox');
  return busybox !== null && below.some((directory) => busybox.startsWith(directory))
    ? [busybox, 'sh']
    : ['/bin/sh'];
}
