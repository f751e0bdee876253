// Makes src/machine/generated/ from schemas/: the validator that is compiled ahead of time, and the types.
// `node scripts/build-schemas.mjs` writes them; with --check it fails when what is checked in differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { compile } from 'json-schema-to-typescript';

const root = new URL('../', import.meta.url);
const schemaUrl = (name) => new URL(`schemas/${name}.schema.json`, root);
const generatedUrl = (name) => new URL(`src/machine/generated/${name}`, root);
const readSchema = (name) => JSON.parse(readFileSync(schemaUrl(name), 'utf8'));

const NAMES = ['flatmachine', 'flatagent', 'flatprofile', 'snapshot'];
const HEADER = '// Generated from schemas/ by scripts/build-schemas.mjs. Do not edit.\n';

/** A copy without what only people and editors read. */
function bare(schema) {
  const spare = new Set(['description', 'title', 'examples', 'default']);
  const copy = (node, named) => {
    if (typeof node !== 'object' || node === null) return node;
    if (Array.isArray(node)) return node.map((item) => copy(item, false));
    const kept = Object.entries(node).filter(([key]) => named || !spare.has(key));
    return Object.fromEntries(
      kept.map(([key, child]) => [
        key,
        copy(child, !named && (key === 'properties' || key === 'definitions')),
      ]),
    );
  };
  return copy(schema, false);
}

function validator() {
  const ajv = new Ajv({
    allErrors: true,
    messages: false,
    // The linter words its findings from the part of the schema that was violated.
    verbose: true,
    ownProperties: true,
    allowUnionTypes: true,
    strictRequired: false,
    strictTypes: false,
    code: { source: true, esm: true, lines: true, optimize: 2 },
  });
  ajv.addKeyword('x-expected');
  const schemas = ['flatmachine', 'flatagent', 'flatprofile'].map(readSchema);
  for (const schema of schemas) ajv.addSchema(bare(schema));
  const [validateMachine, validateAgent, validateProfiles] = schemas.map((schema) => schema.$id);
  const code = standalone.default(ajv, { validateMachine, validateAgent, validateProfiles });
  if (/\brequire\(/.test(code))
    throw new Error('the validator would load ajv at run time: avoid the keyword that needs it');
  return `${HEADER}// @ts-nocheck\n${code.replace(/^"use strict";\n?/, '')}`;
}

/** Descriptions beside a `$ref` would make a copy of its type. */
function withoutRefSiblings(node) {
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) return node.map(withoutRefSiblings);
  if (typeof node.$ref === 'string') return { $ref: node.$ref };
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, withoutRefSiblings(child)]));
}

async function types() {
  const parts = NAMES.map((name) =>
    compile(withoutRefSiblings(readSchema(name)), name, {
      cwd: fileURLToPath(new URL('schemas/', root)),
      bannerComment: '',
      style: { singleQuote: true, printWidth: 110 },
    }),
  );
  return `${HEADER}\n${(await Promise.all(parts)).join('\n')}`;
}

const outputs = { 'validate.ts': validator(), 'types.ts': await types() };
const check = process.argv.includes('--check');
for (const [name, text] of Object.entries(outputs)) {
  const url = generatedUrl(name);
  if (!check) {
    writeFileSync(url, text);
    continue;
  }
  if (readFileSync(url, 'utf8') !== text) {
    console.error(`${name} is not what schemas/ give: run node scripts/build-schemas.mjs`);
    process.exitCode = 1;
  }
}
