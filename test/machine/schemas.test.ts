import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import type { MachineSnapshot } from '../../src/machine/snapshot.ts';

const ROOT = join(import.meta.dirname, '../..');
const schema = (name: string) => JSON.parse(readFileSync(join(ROOT, `schemas/${name}.schema.json`), 'utf8'));
const NAMES = ['flatmachine', 'flatagent', 'flatprofile', 'snapshot'];

describe('the schemas', () => {
  it('give exactly the validator and the types that are checked in', () => {
    execFileSync(process.execPath, ['scripts/build-schemas.mjs', '--check'], { cwd: ROOT });
  });

  it('are valid schemas with an address, and every field of the language says what it is', () => {
    const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false });
    ajv.addKeyword('x-expected');
    for (const name of NAMES) ajv.addSchema(schema(name));
    for (const name of NAMES) {
      expect(schema(name).$id).toBe(`https://unpkg.com/flatmachine/schemas/${name}.schema.json`);
      expect(ajv.getSchema(schema(name).$id)).toBeTypeOf('function');
    }
    const { data, state } = schema('flatmachine').definitions;
    for (const [field, node] of Object.entries({ ...data.properties, ...state.properties } as Record<
      string,
      { description?: string; $ref?: string }
    >)) {
      expect(node.description ?? node.$ref, field).toBeDefined();
    }
  });

  it('take a flatagent, a flatprofile and a snapshot', () => {
    const ajv = new Ajv({ allowUnionTypes: true, strictTypes: false });
    ajv.addKeyword('x-expected');
    const accepts = (name: string, value: unknown) => {
      const validate = ajv.getSchema(schema(name).$id) ?? ajv.compile(schema(name));
      expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
    };
    accepts('flatagent', {
      spec: 'flatagents',
      data: { model: { profile: 'x' }, user: 'hi', output: { a: { type: 'list', items: { type: 'str' } } } },
    });
    accepts('flatprofile', {
      spec: 'flatprofile',
      data: { model_profiles: { x: { name: 'm', anything: 1 } }, default: 'x' },
    });
    const snapshot: MachineSnapshot = {
      execution_id: 'a',
      machine_name: 'm',
      spec_version: '1.0.0',
      current_state: 's',
      context: {},
      step: 1,
      created_at: 'now',
      status: 'running',
      next_state: null,
      work_step: 2,
      input: {},
      config_hash: 'x',
      epoch: 1,
    };
    accepts('snapshot', snapshot);
    expect(ajv.getSchema(schema('snapshot').$id)?.({ ...snapshot, status: 'lost' })).toBe(false);
  });
});
