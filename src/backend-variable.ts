/** The environment variable that stands for `--backend` where that is not given. A URL may have a password: arguments can be read by everybody on the host, a process's environment only by its user. */
export const BACKEND_VARIABLE = 'FLATMACHINE_BACKEND';
