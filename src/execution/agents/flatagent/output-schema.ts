import { isJsonObject } from '../../../json.ts';
import type { OutputField } from '../../../machine/generated/types.ts';
import type { JsonObject } from '../../../types.ts';

/** The fields of an agent's `output`. */
export type OutputFields = Readonly<Record<string, OutputField>>;

const TYPES: Record<OutputField['type'], JsonObject> = {
  str: { type: 'string' },
  int: { type: 'integer' },
  float: { type: 'number' },
  bool: { type: 'boolean' },
  json: {},
  list: { type: 'array' },
  object: { type: 'object' },
};

/** Output fields as JSON Schema. */
export function toSchema(fields: OutputFields): JsonObject {
  const names = Object.keys(fields);
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, fieldSchema(fields[name] as OutputField)])),
    required: names.filter((name) => fields[name]?.required !== false),
    additionalProperties: false,
  };
}

function fieldSchema(field: OutputField): JsonObject {
  const schema: JsonObject = { ...TYPES[field.type] };
  if (field.description !== undefined) schema.description = field.description;
  if (field.enum !== undefined) schema.enum = field.enum;
  if (field.type === 'list' && field.items !== undefined) schema.items = fieldSchema(field.items);
  if (field.type === 'object' && isJsonObject(field.properties))
    Object.assign(schema, toSchema(field.properties));
  return schema;
}

/** What a model is told about the form of its answer. */
export function instruction(schema: JsonObject): string {
  return `Answer with one JSON object that matches this JSON Schema, and with nothing else:\n${JSON.stringify(schema)}`;
}
