import { encodeExample } from '../../src/index.js';
import { frameRecords } from '../../src/records/index.js';

/** Records with everything that JSON has to bend for. */
export const RECORDS = [
  encodeExample(
    { i: 5, f: [0.1, Number.NaN, -Infinity], s: 'é', none: [], raw: Uint8Array.of(255) },
    {
      features: [
        { name: 'i', kind: 'int64', shape: [] },
        { name: 'f', kind: 'float', shape: 'ragged' },
        { name: 's', kind: 'bytes', shape: [] },
        { name: 'none', kind: 'int64', shape: 'ragged' },
        { name: 'raw', kind: 'bytes', shape: [] },
      ],
    },
  ),
  encodeExample({ i: 2n ** 60n, s: ['a', 'b'] }),
  encodeExample({ s: 'control \x1b[31m\n' }),
];

export const JSON_LINES = [
  '{"i":5,"f":[0.1,"NaN","-Infinity"],"s":"é","none":[],"raw":{"base64":"/w=="}}',
  '{"i":"1152921504606846976","s":["a","b"]}',
  '{"s":"control \\u001b[31m\\n"}',
];

export const FRAMED = frameRecords(RECORDS);

/** The last record's payload has a flipped bit. */
export function damaged(): Buffer {
  const bytes = Buffer.from(FRAMED);
  bytes[FRAMED.length - 8]! ^= 1;
  return bytes;
}
