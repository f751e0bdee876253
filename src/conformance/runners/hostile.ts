import assert from 'node:assert/strict';
import { beating, type SlotUnderTest } from './bench.ts';
import type { RunnerCase } from './place.ts';

/** A call must have an answer by then, whatever the command did, milliseconds. */
const ANSWERED = 15_000;

/** The call is answered, and the slot usable after it unless its box is clearly lost. */
async function answered(slot: SlotUnderTest, cmd: string, mayLoseBox: boolean): Promise<string> {
  const late = AbortSignal.timeout(ANSWERED);
  const { outcome } = await slot.exec({ cmd, signal: late }).catch((error: unknown) => {
    assert.equal(late.aborted, false, `no answer after ${ANSWERED} ms: ${cmd}`);
    throw error;
  });
  const after = await slot.exec('echo usable');
  if (!mayLoseBox || after.outcome !== 'sandbox_lost') assert.equal(after.stdout, 'usable\n');
  return outcome;
}

/** What a command may do to those that watch over it. */
export const hostileCases: readonly RunnerCase[] = [
  {
    name: 'killing what started it does not leave the call without an answer',
    async run(bench) {
      const slot = await bench.slot();
      assert.notEqual(await answered(slot, 'kill -KILL $PPID; sleep 0.3', false), 'ok');
      const grandparent = 'kill -KILL $(sed "s/.*) . //; s/ .*//" /proc/$PPID/stat); sleep 0.3';
      assert.notEqual(await answered(slot, grandparent, false), 'ok');
    },
  },
  {
    name: 'killing everything in the box does not, either',
    // Without a box it would end the whole machine.
    needs: ({ isolation }) => isolation !== 'none',
    async run(bench) {
      const slot = await bench.slot(await bench.box());
      assert.notEqual(await answered(slot, 'kill -KILL -1; sleep 0.3', true), 'ok');
    },
  },
  {
    name: 'processes may call themselves anything and are still ended',
    async run(bench) {
      const slot = await bench.slot();
      const names = [') S 1 1 1 (', 'a b', '(', ') Z 0 0', 'x\ny'];
      const script = Buffer.from(`#!/bin/sh\n${beating('beat-$1')}\n`);
      await slot.upload(Object.fromEntries(names.map((name) => [name, { content: script, mode: 0o755 }])));
      for (const [n, name] of names.entries()) {
        await slot.exec({ cmd: '"./$NAME" "$N" >/dev/null 2>&1 &', env: { NAME: name, N: `${n}` } });
        await slot.sh(`until [ -s beat-${n} ]; do sleep 0.02; done`);
      }
      assert.ok((await slot.stopProcesses()) >= names.length);
      assert.deepEqual(await slot.beating(...names.map((_, n) => `beat-${n}`)), []);
    },
  },
  {
    name: 'a command that closes its output is waited for all the same',
    async run(bench) {
      const { stdout, returncode, duration_ms } = await (await bench.slot()).exec(
        'echo before; exec >&- 2>&- <&-; sleep 0.5; exit 3',
      );
      assert.deepEqual([stdout, returncode], ['before\n', 3]);
      assert.ok(duration_ms >= 480, `${duration_ms} ms`);
    },
  },
  {
    name: 'a command that removes its workspace spoils only its own slot, until the reset',
    async run(bench) {
      const [slot, neighbour] = [await bench.slot(), await bench.slot()];
      await slot.exec('rm -rf "$PWD"');
      const next = await slot.exec('echo next');
      assert.notEqual(next.outcome, 'sandbox_lost');
      await neighbour.sh('true');
      await slot.environment.resetSlot(slot.id, slot.token);
      assert.equal(await slot.sh('pwd'), `${slot.workspace}\n`);
    },
  },
  {
    name: 'a workspace replaced by a link is not followed',
    async run(bench) {
      const [slot, neighbour] = [await bench.slot(), await bench.slot()];
      await neighbour.upload({ file: 'stays' });
      await slot.exec(`cd ..; rmdir "${slot.workspace}"; ln -s "${neighbour.workspace}" "${slot.workspace}"`);
      await slot.upload({ file: 'evil', new: 'evil' }).catch(() => {
        // To refuse it is as good.
      });
      await slot.environment.resetSlot(slot.id, slot.token);
      assert.equal(await neighbour.sh('cat file; ls'), 'staysfile\n');
      assert.equal(await slot.sh('ls -A; echo usable'), 'usable\n');
    },
  },
  {
    name: '100 daemons are ended together',
    async run(bench) {
      const slot = await bench.slot();
      await slot.sh('i=0; while [ $i -lt 100 ]; do setsid sleep 300 >/dev/null 2>&1 & i=$((i + 1)); done');
      const started = performance.now();
      const stopped = await slot.stopProcesses();
      const took = performance.now() - started;
      bench.place.note?.(`${stopped} daemons ended in ${Math.round(took)} ms`);
      assert.ok(stopped >= 100, `${stopped} ended`);
      assert.ok(took < 10_000, `it took ${Math.round(took)} ms`);
      assert.equal(await slot.stopProcesses(), 0);
    },
  },
  {
    name: 'what a command does to its shell does not reach the next one',
    async run(bench) {
      const slot = await bench.slot();
      await slot.exec(
        'umask 777; ulimit -f 0 2>/dev/null; cd /; export LEAK=1; set -e; trap "" TERM INT; exit 0',
      );
      assert.equal(
        await slot.sh('umask; pwd; echo "[$LEAK]"; echo x >f; cat f'),
        `0022\n${slot.workspace}\n[]\nx\n`,
      );
    },
  },
];
