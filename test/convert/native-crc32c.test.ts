import { expect, test } from 'vitest';
import { nativeCrc32c } from '../../src/convert/job/native-crc32c.js';
import { crc32c } from '../../src/records/crc32c.js';

test('the native CRC is the same CRC', () => {
  const native = nativeCrc32c()!;
  for (const length of [0, 1, 7, 640, 5000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 131) ^ (i >> 3));
    expect(native(bytes) >>> 0).toBe(crc32c(bytes));
  }
});
