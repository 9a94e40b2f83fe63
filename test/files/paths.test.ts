import fc from 'fast-check';
import { expect, test } from 'vitest';
import { baseName, compareBytes, isHidden, joinPath, normalizePath, parentPath } from '../../src/files/index.js';

test('compareBytes is the order of the UTF-8 bytes', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test('normalizePath is idempotent, and joinPath undoes parentPath and baseName', () => {
  const path = fc.array(fc.constantFrom('a', 'b.c', '.', '..', '', ' ', '%')).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(path, (raw) => {
      const normal = normalizePath(raw);
      expect(normalizePath(normal)).toBe(normal);
      if (normal !== '/') expect(joinPath(parentPath(normal), baseName(normal))).toBe(normal);
    }),
  );
});

test('isHidden', () => {
  expect(['_SUCCESS', '.x', '_'].every(isHidden)).toBe(true);
  expect(['part-0', 'a_', 'a.b', ''].some(isHidden)).toBe(false);
});
