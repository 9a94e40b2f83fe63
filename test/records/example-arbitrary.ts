import fc from 'fast-check';
import type { Feature, Schema } from '../../src/records/schema.js';
import { concat, field, float32, tag, utf8, varint } from './builders.js';

/** Feature names: short, long, beyond one vector, alike at both ends, not ASCII. */
const NAMES = [
  'a',
  'b',
  'Pclass',
  'é',
  'feature_000001_of_two',
  'feature_000002_of_two',
  'x'.repeat(30),
  'y'.repeat(70),
];

const int64 = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(-1, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n),
);
const float = fc.oneof(fc.float(), fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-45));
const item = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 100, maxLength: 300 }));

/** Schemas of one to six features of every kind and shape. */
export const schemas: fc.Arbitrary<Schema> = fc
  .tuple(
    fc.shuffledSubarray(NAMES, { minLength: 1, maxLength: 6 }),
    fc.array(fc.nat(1000), { minLength: 18, maxLength: 18 }),
  )
  .map(([names, choices]) => {
    let at = 0;
    const next = (n: number): number => choices[at++]! % n;
    const features = names.map((name): Feature => {
      const kind = (['int64', 'float', 'bytes'] as const)[next(3)]!;
      const shape = ([[], [], [], [1], [3], [2, 2], 'ragged'] as const)[next(7)]!;
      const one = kind === 'bytes' ? 'dflt' : kind === 'float' ? 0.5 : 7;
      const extra = [{ default: one }, { nullable: true }, { nullable: true, default: one }, {}, {}][next(5)]!;
      return { name, kind, shape, ...extra };
    });
    return { features };
  });

/** How one record departs from what every encoder writes. */
interface Style {
  pad: number;
  unpacked: boolean;
  split: boolean;
  twice: boolean;
  valueFirst: boolean;
  unknown: number;
}
const style: fc.Arbitrary<Style> = fc.record({
  pad: fc.constantFrom(1, 1, 1, 2, 5, 10),
  unpacked: fc.constantFrom(false, false, false, true),
  split: fc.constantFrom(false, false, false, true),
  twice: fc.constantFrom(false, false, false, false, true),
  valueFirst: fc.constantFrom(false, false, false, true),
  unknown: fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4, 5),
});
const PLAIN: Style = { pad: 1, unpacked: false, split: false, twice: false, valueFirst: false, unknown: 0 };

/** Fields that no message of Example knows. */
const UNKNOWN = [
  new Uint8Array(0),
  concat(tag(15, 0), varint(300)),
  concat(tag(16, 1), new Uint8Array(8)),
  field(5000, utf8('unknown')),
  concat(tag(9, 5), new Uint8Array(4)),
  concat(tag(7, 3), tag(8, 3), tag(1, 0), varint(1), tag(8, 4), field(2, [1, 2]), tag(7, 4)),
];

type Values = readonly (number | bigint | Uint8Array)[];

function list(kind: Feature['kind'], values: Values, style: Style): Uint8Array {
  const { pad, unpacked, unknown } = style;
  const extra = UNKNOWN[unknown]!;
  if (kind === 'bytes') return concat(extra, ...values.map((v) => field(1, v as Uint8Array)));
  if (kind === 'float') {
    const numbers = values as number[];
    if (unpacked) return concat(...numbers.map((v) => concat(tag(1, 5), float32(v))), extra);
    return concat(values.length > 0 ? field(1, float32(...numbers)) : [], extra);
  }
  const ints = values as (number | bigint)[];
  if (unpacked) return concat(...ints.map((v) => concat(tag(1, 0), varint(v, pad))), extra);
  return concat(values.length > 0 ? field(1, ...ints.map((v) => varint(v, pad))) : [], extra);
}

function feature(kind: Feature['kind'], values: Values, style: Style): Uint8Array {
  const number = kind === 'bytes' ? 1 : kind === 'float' ? 2 : 3;
  const half = style.split ? values.length >> 1 : 0;
  const first = half > 0 ? field(number, list(kind, values.slice(0, half), style)) : new Uint8Array(0);
  return concat(first, field(number, list(kind, values.slice(half), style)), UNKNOWN[style.unknown]!);
}

function mapEntry(name: string, value: Uint8Array, style: Style): Uint8Array {
  const key = field(1, utf8(name));
  const content = style.valueFirst ? [field(2, value), key] : [key, field(2, value)];
  return field(1, ...content, UNKNOWN[style.unknown]!);
}

const values = (feature: Feature, width: number): fc.Arbitrary<Values> => {
  const one: fc.Arbitrary<number | bigint | Uint8Array> =
    feature.kind === 'bytes' ? item : feature.kind === 'float' ? float : int64;
  return fc.array(one, { minLength: width, maxLength: width });
};

/**
 * A record of a schema: mostly as encoders write it, so that predictions hold, else odd in one of many ways; `wild`
 * adds departures that may be errors.
 */
export function records(schema: Schema, wild: boolean): fc.Arbitrary<Uint8Array> {
  const entries = schema.features.map((f) => {
    const width = f.shape === 'ragged' ? fc.nat(4) : fc.constant(f.shape.reduce((n, d) => n * d, 1));
    const odd = wild ? fc.nat(30) : fc.constant(0);
    return fc.tuple(width, odd, fc.constantFrom(...schema.features)).chain(([n, strange, other]) =>
      fc
        .tuple(values(f, n), values(strange === 1 ? other : f, strange === 2 ? n + 1 : n), style, fc.nat(9))
        .map(([plain, again, own, rare]) => {
          const how = rare === 0 ? own : PLAIN;
          const kind = strange === 1 ? other.kind : f.kind;
          const value = strange === 3 ? new Uint8Array(0) : feature(kind, again, how);
          const entry = mapEntry(f.name, value, how);
          const absent = strange === 4 || (rare === 1 && (f.nullable || f.default !== undefined));
          if (absent) return new Uint8Array(0);
          return how.twice ? concat(mapEntry(f.name, feature(f.kind, plain, PLAIN), PLAIN), entry) : entry;
        }),
    );
  });
  return fc.tuple(fc.tuple(...entries), fc.nat(19), fc.nat(5), style).map(([parts, order, extra, how]) => {
    const all = order === 0 ? [...parts].reverse() : [...parts];
    if (extra === 1) all.splice(all.length >> 1, 0, mapEntry('not asked for', feature('int64', [5], PLAIN), how));
    if (order === 1) return concat(field(1, ...all.slice(0, 2)), UNKNOWN[how.unknown]!, field(1, ...all.slice(2)));
    return field(1, ...all);
  });
}

/** Overwrites, inserts or removes a few bytes. */
export const edits = fc.array(
  fc.record({
    at: fc.nat(),
    byte: fc.nat(255),
    kind: fc.constantFrom('set', 'set', 'flip', 'insert', 'remove', 'cut'),
  }),
  { minLength: 1, maxLength: 3 },
);
export function edit(bytes: Uint8Array, list: readonly { at: number; byte: number; kind: string }[]): Uint8Array {
  let result = [...bytes];
  for (const { at, byte, kind } of list) {
    const i = result.length === 0 ? 0 : at % result.length;
    if (kind === 'insert') result.splice(i, 0, byte);
    else if (kind === 'remove') result.splice(i, 1);
    else if (kind === 'cut') result = result.slice(0, i);
    else if (result.length > 0) result[i] = kind === 'set' ? byte : result[i]! ^ (1 << (byte & 7));
  }
  return Uint8Array.from(result);
}
