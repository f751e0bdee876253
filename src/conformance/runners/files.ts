import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { refused } from './bench.ts';
import type { RunnerCase } from './place.ts';

const ODD_NAMES = [
  'plain',
  '.hidden',
  '-n',
  ' leading and trailing ',
  `we'ird "name" $(touch pwned) \`id\` *?[a].txt`,
  'back\\slash',
  'ünï çödé/файл 🚀.txt',
  'a/b/c/d/e/f.txt',
  'new\nline',
  '...',
  'a..b',
  'x'.repeat(200),
];

const HOSTILE_PATHS = ['../x', '/etc/x', 'a/../../x', '..', 'a/..', 'a/../b', './../x', ''];

/** Files into a slot and out of it, and nowhere else. */
export const fileCases: readonly RunnerCase[] = [
  {
    name: 'files with odd names go in and come out again',
    async run(bench) {
      const slot = await bench.slot();
      const files = Object.fromEntries(ODD_NAMES.map((name, n) => [name, `content ${n} of ${name}\0`]));
      await slot.upload(files);
      for (const [name, content] of Object.entries(files)) {
        assert.equal((await slot.download(name)).toString(), content, JSON.stringify(name));
      }
      assert.equal(Number(await slot.sh('find . -type f -print0 | tr -dc "\\0" | wc -c')), ODD_NAMES.length);
    },
  },
  {
    name: 'contents of every size stay what they are',
    async run(bench) {
      const slot = await bench.slot();
      const sizes = [0, 1, 4095, 4096, 65_535, 65_536, 65_537, 5_000_000];
      const contents = Object.fromEntries(sizes.map((size) => [`of-${size}`, randomBytes(size)]));
      await slot.upload(contents);
      for (const [name, content] of Object.entries(contents)) {
        assert.ok((await slot.download(name)).equals(content), name);
      }
      assert.equal(await slot.sh('wc -c <of-5000000'), '5000000\n');
    },
  },
  {
    name: 'modes are set, 644 when none is given',
    async run(bench) {
      const slot = await bench.slot();
      await slot.upload({
        'bin/run': { content: Buffer.from('#!/bin/sh\necho ran "$@"\n'), mode: 0o755 },
        secret: { content: Buffer.from('s'), mode: 0o600 },
        plain: 'p',
      });
      assert.equal(await slot.sh('stat -c %a bin/run secret plain; ./bin/run it'), '755\n600\n644\nran it\n');
    },
  },
  {
    name: 'the same upload again gives the same, another one replaces',
    async run(bench) {
      const slot = await bench.slot();
      await slot.upload({ 'd/f': 'a longer first text' });
      await slot.upload({ 'd/f': 'second' });
      await slot.upload({ 'd/f': 'second' });
      assert.equal(await slot.sh('cat d/f; ls -A . d'), 'second.:\nd\n\nd:\nf\n');
    },
  },
  {
    name: 'nothing to upload is nothing done; 200 files are one call',
    async run(bench) {
      const slot = await bench.slot();
      await slot.upload({});
      const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`d${n % 7}/f${n}`, `${n}`]));
      await slot.upload(many);
      assert.equal(Number(await slot.sh('cat d*/f* | wc -c')), Object.values(many).join('').length);
    },
  },
  {
    name: 'paths out of the workspace are refused, both ways',
    async run(bench) {
      const slot = await bench.slot();
      for (const path of HOSTILE_PATHS) {
        await refused(slot.upload({ [path]: 'x' }), 'unsafe-path');
        await refused(slot.download(path), 'unsafe-path');
      }
      await refused(slot.upload({ 'a\0b': 'x' }));
      await refused(slot.download('a\0b'));
      assert.equal(await slot.sh('ls -A; ls -A .. | grep -x x'.concat(' || true')), '');
    },
  },
  {
    name: 'links planted in the workspace are not followed out of it',
    async run(bench) {
      const slot = await bench.slot();
      const outside = `/tmp/flatmachine-conformance-${randomBytes(6).toString('hex')}`;
      await slot.sh(`mkdir ${outside} && echo untouched >${outside}/kept
        ln -s ${outside} directory; ln -s ${outside}/kept file; ln -s ${outside}/new dangling; ln -s .. up; mkdir real; ln -s ${outside} real/deep`);
      try {
        for (const path of ['directory/new', 'file', 'dangling', 'up/new', 'real/deep/new']) {
          // A link in the last place may also be replaced by the file.
          await slot
            .upload({ [path]: 'evil' })
            .catch((error: unknown) => refused(Promise.reject(error), 'unsafe-path'));
        }
        assert.equal(
          await slot.sh(`cat ${outside}/kept; ls -A ${outside}; ls -A .. | grep -x new || true`),
          'untouched\nkept\n',
        );
        await slot.sh(`rm -f file dangling; ln -s ${outside}/kept file; ln -s ${outside}/new dangling`);
        for (const path of ['directory/kept', 'file', 'real/deep/kept'])
          await refused(slot.download(path), 'unsafe-path');
        await refused(slot.download('dangling'), 'unsafe-path', 'not-found');
      } finally {
        await slot.sh(`rm -rf ${outside}`);
      }
    },
  },
  {
    name: 'what is not a file cannot be downloaded, and does not hang',
    async run(bench) {
      const slot = await bench.slot();
      await slot.sh('mkdir directory; mkfifo pipe; echo text >file');
      await refused(slot.download('missing'), 'not-found');
      await refused(slot.download('missing/deep'), 'not-found');
      await refused(slot.download('file/below'), 'not-found');
      await refused(slot.download('directory'));
      await refused(slot.download('pipe'));
    },
  },
  {
    name: 'what is in the way of an upload is an error, and the slot stays usable',
    async run(bench) {
      const slot = await bench.slot();
      await slot.sh('mkdir directory; echo text >file');
      await refused(slot.upload({ directory: 'x' }));
      await refused(slot.upload({ 'file/below': 'x' }));
      await slot.upload({ after: 'fine' });
      assert.equal(await slot.sh('cat after file'), 'finetext\n');
    },
  },
  {
    name: 'a download beyond its bound is refused',
    async run(bench) {
      const slot = await bench.slot();
      await slot.upload({ ten: '0123456789', big: randomBytes(300_000) });
      assert.equal((await slot.download('ten', 10)).toString(), '0123456789');
      await refused(slot.download('ten', 9), 'too-large');
      await refused(slot.download('big', 299_999), 'too-large');
      assert.equal((await slot.download('big', 300_000)).length, 300_000);
    },
  },
];
