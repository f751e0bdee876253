import { hostname } from 'node:os';
import type { WorkerRecord } from '../backends/interfaces.ts';
import { isFlatMachineError } from '../errors.ts';
import type { HookEnvironment } from '../execution/interfaces.ts';
import { ClaimKeeper } from '../execution/pool/claim-keeper.ts';
import { WorkerHeartbeat } from '../execution/pool/worker-heartbeat.ts';
import type { JsonObject } from '../types.ts';
import { DEFAULT_POOL } from './distributed-worker-fields.ts';
import type { WorkerSettings } from './distributed-worker-settings.ts';

/**
 * The claims and registrations that an execution has made, kept alive while its process lives. What they are stands in the context, so that a process which
 * resumes the execution takes them up again.
 */
export class WorkerSession {
  readonly environment: HookEnvironment;
  readonly settings: WorkerSettings;
  readonly keeper: ClaimKeeper;
  readonly #heartbeats = new Map<string, WorkerHeartbeat>();
  /** Tokens of claims that are gone although the context still has them. */
  readonly #lost = new Set<string>();

  constructor(environment: HookEnvironment, settings: WorkerSettings) {
    this.environment = environment;
    this.settings = settings;
    this.keeper = new ClaimKeeper({
      lease: settings.lease * 1000,
      onLost: ({ id, claim_token }, pool) => {
        this.#lost.add(claim_token);
        this.#warn(`the claim of item ${id} of pool ${pool} is lost`);
      },
      onError: (error) => this.#warn(`claims could not be renewed: ${error.message}`),
    });
  }

  /** Registers a worker and beats for it from now on. */
  async register(workerId: string, pool: string, capabilities: string[]): Promise<WorkerRecord> {
    await this.#heartbeats.get(workerId)?.stop();
    const heartbeat = this.#heartbeat(workerId, pool, capabilities);
    const record = await heartbeat.register();
    this.#heartbeats.set(workerId, heartbeat);
    return record;
  }

  /** Registers a worker as ended, and beats for it no more. */
  async deregister(workerId: string): Promise<void> {
    await this.#heartbeats.get(workerId)?.stop();
    this.#heartbeats.delete(workerId);
    await this.environment.backends.registration.updateStatus(workerId, 'terminated');
  }

  /** Takes up what the context says this execution has claimed and registered, in a process that has not done so itself. */
  async takeUp(context: JsonObject): Promise<void> {
    const text = (name: string) => (typeof context[name] === 'string' ? context[name] : undefined);
    const [worker, job, token] = [text('worker_id'), text('job_id'), text('claim_token')];
    const poolId = text('pool_id') ?? DEFAULT_POOL;
    if (worker !== undefined && context.status === 'active' && !this.#heartbeats.has(worker)) {
      const heartbeat = this.#heartbeat(worker, poolId, []);
      this.#heartbeats.set(worker, heartbeat);
      await heartbeat.takeUp();
    }
    if (job === undefined || token === undefined || this.#lost.has(token)) return;
    const pool = this.environment.backends.work.pool(poolId);
    if (this.keeper.claim(pool, job) !== null) return;
    this.keeper.hold(pool, { id: job, claim_token: token });
    await this.keeper.renew();
  }

  /** The execution has ended for good: what it still holds goes back, the attempts counted. */
  async end(why: string): Promise<void> {
    for (const { pool, claim } of this.keeper.held()) {
      try {
        await pool.fail(claim.id, `its worker has ended: ${why}`, { claim_token: claim.claim_token });
      } catch (thrown) {
        if (!isFlatMachineError(thrown, 'lease-lost', 'not-found')) throw thrown;
      }
    }
    for (const workerId of [...this.#heartbeats.keys()]) await this.deregister(workerId);
    await this.close();
  }

  /** The process is done with it: nothing is renewed any more, and nothing given back. */
  async close(): Promise<void> {
    this.keeper.close();
    for (const heartbeat of this.#heartbeats.values()) await heartbeat.stop();
    this.#heartbeats.clear();
  }

  #heartbeat(workerId: string, pool: string, capabilities: string[]): WorkerHeartbeat {
    const { backends, clock, executionId } = this.environment;
    return new WorkerHeartbeat(
      backends.registration,
      {
        worker_id: workerId,
        host: hostname(),
        pid: process.pid,
        pool_id: pool,
        started_at: new Date(clock.now()).toISOString(),
        heartbeat_interval: this.settings.heartbeatInterval,
        metadata: { execution_id: executionId },
        ...(capabilities.length === 0 ? {} : { capabilities }),
      },
      (error) => this.#warn(`no heartbeat of worker ${workerId}: ${error.message}`),
    );
  }

  #warn(message: string): void {
    this.environment.emit({ type: 'log', level: 'warn', message });
  }
}
