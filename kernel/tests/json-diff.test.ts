import { expect, test } from 'vitest';
import { diffJson } from '../json-diff.ts';

test('equal values have no differences, whatever the order of their keys', () => {
  expect(diffJson({ a: 1, b: [null, { c: '' }] }, { b: [null, { c: '' }], a: 1 })).toEqual([]);
});

test('each place that differs is named, with both values', () => {
  const left = { id: 1, total: '9.50', tags: ['a', 'b'], gone: true, note: null };
  const right = { id: 1, total: 9.5, tags: ['a', 'c', 'd'], note: '', new: 0 };
  expect(diffJson(left, right)).toEqual([
    { path: '$.total', kind: 'type', left: '9.50', right: 9.5 },
    { path: '$.tags[1]', kind: 'changed', left: 'b', right: 'c' },
    { path: '$.tags[2]', kind: 'added', left: undefined, right: 'd' },
    { path: '$.gone', kind: 'missing', left: true, right: undefined },
    { path: '$.note', kind: 'type', left: null, right: '' },
    { path: '$.new', kind: 'added', left: undefined, right: 0 },
  ]);
});

test('null, an empty object and an empty array are three things', () => {
  expect(diffJson(null, {})).toHaveLength(1);
  expect(diffJson([], {})).toHaveLength(1);
  expect(diffJson({ a: null }, {})).toEqual([{ path: '$.a', kind: 'missing', left: null, right: undefined }]);
});

test('keys that are no names are quoted, and inherited properties do not count', () => {
  expect(diffJson({ 'a b': 1 }, { 'a b': 2 })[0]?.path).toBe('$["a b"]');
  expect(diffJson({}, JSON.parse('{"__proto__": 1}'))).toHaveLength(1);
  expect(diffJson({ toString: 1 }, {})).toEqual([
    { path: '$.toString', kind: 'missing', left: 1, right: undefined },
  ]);
});

test('no more differences are collected than asked for', () => {
  const left = Array.from({ length: 1000 }, () => 1);
  const right = Array.from({ length: 1000 }, () => 2);
  expect(diffJson(left, right, 10)).toHaveLength(10);
});

test('values may be nested deeper than a call stack allows', () => {
  const deep = (end: number) => JSON.parse(`${'['.repeat(5_000)}${end}${']'.repeat(5_000)}`) as unknown;
  expect(diffJson(deep(1), deep(1))).toEqual([]);
  expect(diffJson(deep(1), deep(2))).toHaveLength(1);
});
