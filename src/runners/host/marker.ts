/** What every process of an environment on this host carries as FLATMACHINE_ENVIRONMENT, unless it wipes its variables. */
export function marker(directory: string): string {
  return `:${directory}:`;
}
