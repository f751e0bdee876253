#!/usr/bin/env node
'use strict';

// What `flatmachine` starts; the build copies it to dist/cli.cjs. Most of a cold start is the compilation of core.cjs, so the build
// keeps its compiled form in core.cache. It counts only for the Node that made it: others ignore it and compile.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const file = path.join(__dirname, 'core.cjs');

/** The core as the build compiled it; null for another Node than the build's. */
function fromCache() {
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const cache = path.join(__dirname, 'core.cache');
  if (importModuleDynamically === undefined || !fs.existsSync(cache)) return null;
  const source = Module.wrap(fs.readFileSync(file, 'latin1'));
  const cachedData = fs.readFileSync(cache);
  const script = new vm.Script(source, { filename: file, cachedData, importModuleDynamically });
  if (script.cachedDataRejected) return null;
  const module = { id: file, filename: file, loaded: true, children: [], paths: [], exports: {} };
  // For hooks that import the library: one copy of every class.
  require.cache[file] = module;
  const start = script.runInThisContext();
  start.call(module.exports, module.exports, Module.createRequire(file), module, file, __dirname);
  return module.exports;
}

/** Node keeps compiled code by itself from 22.8 on, which counts from the second start. */
function compiled() {
  Module.enableCompileCache?.();
  return require('./core.cjs');
}

const core = fromCache() ?? compiled();
core.program().main(process.argv.slice(2));
