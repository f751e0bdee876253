// Writes dist/core.cache: core.cjs as this Node compiles it, with the functions that a first run uses. Started by build.mjs, which
// gives it a directory to run in.

const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { dirname, join } = require('node:path');
const vm = require('node:vm');

const dist = join(dirname(__dirname), 'dist');
const file = join(dist, 'core.cjs');
const cache = join(dist, 'core.cache');

const script = new vm.Script(wrap(readFileSync(file, 'latin1')), {
  filename: file,
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
const module_ = { exports: {} };
script.runInThisContext().call(module_.exports, module_.exports, createRequire(file), module_, file, dist);

process.on('exit', () => {
  const temporary = `${cache}.${process.pid}.tmp`;
  writeFileSync(temporary, script.createCachedData());
  renameSync(temporary, cache);
});

writeFileSync(
  'machine.yml',
  `spec: flatmachine
spec_version: "1.0.0"
data:
  context: { n: 0 }
  states:
    start:
      output_to_context: { n: "{{ context.n + 1 }}" }
      transitions:
        - condition: context.n > 1
          to: done
        - to: start
    done: { type: final, output: { text: "{{ input.name or 'nobody' }}" } }
`,
);
module_.exports.program().main(['run', 'machine.yml']);
