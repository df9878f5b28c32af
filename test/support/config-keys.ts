import { z } from 'zod';
import { configSchema } from '../../src/config/config-schema.ts';

/** One key of the configuration file, as the schema knows it. */
export interface ConfigKey {
  /** `etcd.tls.caFile`, `mesh.peers[].name`, `supervisor(process).command`. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly fallback?: unknown;
  readonly description: string;
  /** A key that only groups others. */
  readonly group: boolean;
}

interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Every key of the schema, groups before what they hold, in the order of the sections. */
export function configKeys(): ConfigKey[] {
  return keysBelow(z.toJSONSchema(configSchema, { io: 'input' }) as Schema, '');
}

function keysBelow(schema: Schema, prefix: string): ConfigKey[] {
  const required = schema.required ?? [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const inner = innerKeys(child, path);
    const key: ConfigKey = {
      path,
      type: typeOf(child),
      required: required.includes(name),
      ...(child.default === undefined || child.type === 'object' ? {} : { fallback: child.default }),
      description: child.description ?? '',
      group: inner.length > 0,
    };
    return [key, ...inner];
  });
}

function innerKeys(schema: Schema, path: string): ConfigKey[] {
  if (schema.oneOf !== undefined) {
    return schema.oneOf.flatMap((variant) => keysBelow(variant, `${path}(${kindOf(variant)})`));
  }
  if (schema.items?.properties !== undefined) return keysBelow(schema.items, `${path}[]`);
  return keysBelow(schema, path);
}

function kindOf(variant: Schema): string {
  return variant.properties?.['kind']?.const ?? '?';
}

function typeOf(schema: Schema): string {
  const words = schema.const === undefined ? schema.enum : [schema.const];
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(' or ');
  if (schema.oneOf !== undefined) return 'one of the kinds';
  switch (schema.type) {
    case 'integer':
      return `whole number, ${schema.minimum ?? '?'} to ${schema.maximum ?? '?'}`;
    case 'array':
      return schema.items?.properties === undefined
        ? `list of ${typeOf(schema.items ?? {})}`
        : 'list of groups';
    case 'boolean':
      return 'true or false';
    case 'object':
      return 'group';
    case 'string':
    case undefined:
      break;
  }
  return textOf(schema);
}

function textOf(schema: Schema): string {
  const patterns = [schema.pattern, ...(schema.allOf ?? []).map((part) => part.pattern)].join(' ');
  if (patterns.includes('^\\/')) return 'path';
  return patterns.includes(':\\/\\/') ? 'URL' : 'text';
}
