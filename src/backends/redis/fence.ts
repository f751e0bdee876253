import type { Fence } from '../interfaces.ts';

/** A fence as two arguments of a script, see `fenced` in lua/common.ts. */
export function fenceArguments(fence: Fence | null | undefined): [key: string, token: number | string] {
  return fence ? [fence.key, fence.token] : ['', ''];
}
