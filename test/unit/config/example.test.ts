import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../../src/config/load-config.ts';
import { configKeys } from '../../support/config-keys.ts';

const example = await readFile(new URL('../../../config.example.yaml', import.meta.url), 'utf8');

test('the example is a valid configuration', () => {
  expect(parseConfig(example, 'config.example.yaml').agent.name).toBe('host1.example.org');
});

test('with every key uncommented, each alternative is a valid configuration', () => {
  const variants = alternatives(uncommented(example));
  expect(variants).toHaveLength(6);
  for (const variant of variants) expect(() => parseConfig(variant, 'config.example.yaml')).not.toThrow();
});

test('the example mentions every key that the schema knows, and no other', () => {
  const known = new Set(configKeys().map(({ path }) => path));
  const shown = new Set(alternatives(uncommented(example)).flatMap((text) => [...valuesOf(text).keys()]));
  expect([...known].filter((path) => !shown.has(path))).toEqual([]);
  expect([...shown].filter((path) => !known.has(path))).toEqual([]);
});

test('a key that is commented out shows its real default', () => {
  const defaults = new Map(configKeys().map(({ path, fallback }) => [path, fallback]));
  const set = valuesOf(example);
  const shown: [string, unknown][] = [];
  for (const variant of alternatives(uncommented(example))) {
    for (const [path, value] of valuesOf(variant)) {
      // The peers of the example are examples.
      if (set.has(path) || defaults.get(path) === undefined || path === 'mesh.peers') continue;
      shown.push([path, value]);
    }
  }
  expect(shown.length).toBeGreaterThan(20);
  expect(shown).toEqual(shown.map(([path]) => [path, defaults.get(path)]));
});

/** A `#` with one space and then a word is prose; any other is a line that could be in force. */
function uncommented(text: string): string {
  return text.replace(/^( *)#(?! \S)(.*)$/gm, '$1$2');
}

/** A section that stands there several times is an either-or: one text for each combination. */
function alternatives(text: string): string[] {
  const blocks = text.split(/^(?=[a-z]+:)/m);
  const nameOf = (block: string): string => /^[a-z]+/.exec(block)?.[0] ?? '';
  const groups = [...new Set(blocks.map(nameOf))].map((name) =>
    blocks.filter((block) => nameOf(block) === name),
  );
  return groups.reduce<string[]>(
    (texts, group) => texts.flatMap((before) => group.map((block) => before + block)),
    [''],
  );
}

/** Every key with its value, under the names that the schema's list has. */
function valuesOf(text: string): Map<string, unknown> {
  const values = new Map<string, unknown>();
  const walk = (value: unknown, path: string): void => {
    if (path !== '') values.set(path, value);
    if (Array.isArray(value)) {
      for (const item of value) if (isGroup(item)) walkGroup(item, `${path}[]`);
    } else if (isGroup(value)) {
      walkGroup(value, path === 'supervisor' ? `supervisor(${String(value['kind'])})` : path);
    }
  };
  const walkGroup = (group: Readonly<Record<string, unknown>>, path: string): void => {
    for (const [name, value] of Object.entries(group)) walk(value, path === '' ? name : `${path}.${name}`);
  };
  walk(parse(text), '');
  return values;
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
