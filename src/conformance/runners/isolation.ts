import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import type { RunnerCase } from './place.ts';

/** That a box which claims to be one is one. */
export const isolationCases: readonly RunnerCase[] = [
  {
    name: 'processes, mounts and IPC are the box’s own',
    needs: ({ isolation }) => isolation !== 'none',
    async run(bench) {
      const slot = await bench.slot();
      for (const kind of ['pid', 'mnt', 'ipc']) {
        const path = `/proc/self/ns/${kind}`;
        assert.notEqual((await slot.sh(`readlink ${path}`)).trim(), readlinkSync(path), kind);
      }
    },
  },
  {
    name: 'there is no network unless asked for',
    needs: ({ isolation, network }) => isolation !== 'none' && network.includes('none'),
    async run(bench) {
      const slot = await bench.slot();
      assert.notEqual(
        (await slot.sh('readlink /proc/self/ns/net')).trim(),
        readlinkSync('/proc/self/ns/net'),
      );
      assert.equal(await slot.sh('ls /sys/class/net 2>/dev/null || echo lo'), 'lo\n');
    },
  },
  {
    name: 'the orchestrator’s own files cannot be seen',
    needs: ({ isolation }) => isolation !== 'none',
    async run(bench) {
      const slot = await bench.slot();
      assert.equal((await slot.exec({ argv: ['cat', process.cwd()] })).returncode, 1);
      assert.equal((await slot.exec({ argv: ['ls', process.cwd()] })).outcome, 'nonzero');
    },
  },
  {
    name: 'the machine’s settings cannot be changed',
    needs: ({ isolation }) => isolation !== 'none',
    async run(bench) {
      const slot = await bench.slot();
      // Opened for writing, and nothing written: a failure of this case must not change the machine.
      const opened = await slot.sh(`for place in sys irq bus fs sysrq-trigger; do
        find /proc/$place -type f 2>/dev/null
      done | while read -r file; do { printf '' >>"$file"; } 2>/dev/null && echo "$file"; done | head -n 5`);
      assert.equal(opened, '');
    },
  },
];
