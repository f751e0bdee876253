/**
 * A process that takes a slot, for tests that kill it: `holder DIRECTORY EXECUTION`. It says `{slot_id}` once it holds one and has a daemon running in it, and
 * gives the slot back when its stdin ends.
 */
import { join } from 'node:path';
import type { Fence } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { SlotPool } from '../../src/rollout/pool.ts';
import { openRunner } from '../../src/runners/registry.ts';
import { systemClock } from '../../src/types.ts';
import { poolSettings, recordOf, run } from './workbench.ts';

const [dir = '', executionId = ''] = process.argv.slice(2);
const backends = await openBackends(`sqlite:${join(dir, 'store.db')}`, { durability: 'process-crash' });
const stateDir = join(dir, 'state');
const runner = await openRunner('local', { stateDir });
const pool = new SlotPool({ backends, runner, clock: systemClock, stateDir }, poolSettings());
if (!(await backends.locking.acquire(executionId))) throw new Error(`${executionId} is locked`);
const { key, token } = backends.locking.lease(executionId) as Fence;
const fence = { key, token };
await backends.persistence.save(...recordOf(executionId, 'running'), { fence });
const signal = new AbortController().signal;
const tell = () => {};
const held = await pool.acquire({ executionId, fence, signal, tell });
await run(held, 'echo kept > file; ( ( while :; do date > beat; sleep 1; done ) >/dev/null 2>&1 & )');
process.stdout.write(`${JSON.stringify({ slot_id: held.slot.slot_id })}\n`);
for await (const _ of process.stdin);
await pool.release(executionId, fence, tell, held.slot.token);
await pool.close();
await backends.close();
