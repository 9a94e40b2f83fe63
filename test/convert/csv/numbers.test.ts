import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDouble, parseInt64 } from '../../../src/convert/csv/cells.js';
import { CsvParser } from '../../../src/convert/csv/parser.js';
import { type CsvPlan, makeCsvPlan } from '../../../src/convert/csv/plan.js';
import { widePowers } from '../../../src/convert/csv/wide-powers.js';
import { Kernel } from '../../../src/records/kernel/kernel.js';
import type { FeatureKind } from '../../../src/records/schema.js';
import { bytesOf, parseAll } from './tables.js';

/** A kernel costs a millisecond to make, so that each kind of value has one parser for all its texts. */
const parsers = new Map<FeatureKind, { plan: CsvPlan; parser: CsvParser }>();
function parserOf(kind: FeatureKind): { plan: CsvPlan; parser: CsvParser } {
  let made = parsers.get(kind);
  if (made === undefined) {
    const plan = makeCsvPlan({ features: [{ name: 'x', kind, shape: [] }] }, ['x', 'y']);
    made = { plan, parser: new CsvParser(new Kernel(), plan, 64) };
    parsers.set(kind, made);
  }
  return made;
}

/** What the kernel makes of each text: its value, or what it expected instead. */
function parse(kind: FeatureKind, texts: string[]): unknown[] {
  const { plan, parser } = parserOf(kind);
  const { rows, bad } = parseAll(bytesOf(texts.map((text) => `${text},\n`).join('')), plan, 64, parser);
  const faults = new Map(bad.map((row) => [row.row, row.expected]));
  return texts.map((_, i) => faults.get(i) ?? rows.shift()![0]);
}

/** The exact decimal digits of n * 2^e. */
function exactDecimal(n: bigint, e: number): string {
  if (e >= 0) return String(n << BigInt(e));
  const digits = String((n < 0n ? -n : n) * 5n ** BigInt(-e)).padStart(1 - e, '0');
  return `${n < 0n ? '-' : ''}${digits.slice(0, e)}.${digits.slice(e)}`;
}

const float32Bits = fc.integer({ min: 0, max: 0x7f7ffffe });

function checkFloats(texts: string[]): void {
  expect(parse('float', texts)).toEqual(texts.map((text) => Math.fround(Number(text))));
}

describe('floats are the correctly rounded double, rounded to float32', () => {
  test('around the middle between neighbouring float32, where a double that is off by one bit shows', () => {
    const property = fc.property(
      float32Bits,
      fc.integer({ min: -6, max: 6 }),
      fc.integer({ min: 16, max: 40 }),
      (bits, j, length) => {
        const exponent = Math.max(1, bits >>> 23);
        const fraction = BigInt(bits >>> 23 === 0 ? bits : (bits & 0x7fffff) | 0x800000);
        // the middle is (2 * fraction + 1) * 2^(exponent - 151); j steps of a quarter of a double's last bit beside it
        const n = ((2n * fraction + 1n) << 32n) + BigInt(j);
        const exact = exactDecimal(n, exponent - 151 - 32);
        const digits = exact.replace('.', '').replace(/^0+/, '');
        const point = exact.indexOf('.') < 0 ? exact.length : exact.indexOf('.');
        const lead = exact.replace('.', '').length - digits.length;
        const short = `${digits.slice(0, length)}e${point - lead - Math.min(length, digits.length)}`;
        checkFloats([exact, short, `-${short}`]);
      },
    );
    fc.assert(property, { numRuns: 3000 });
  });

  test('written with up to 17 digits, in any notation', () => {
    const property = fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: 1, max: 25 }),
      (value, digits) => {
        const fixed = Math.abs(value) < 1e21 ? value.toFixed(Math.min(digits, 20)) : '0';
        checkFloats([String(value), value.toPrecision(digits), value.toExponential(Math.min(digits, 20)), fixed]);
      },
    );
    fc.assert(property, { numRuns: 3000 });
  });

  test('any digits, dot and exponent', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[+-]?\d{0,25}\.?\d{0,25}([eE][+-]?\d{1,3})?$/), (text) => {
        const expected = parseDouble(text);
        const fault = 'expected a number, nan, inf or -inf';
        const found = parse('float', [text])[0];
        if (text === '') expect(found).toBeNull();
        else expect(found).toEqual(expected === undefined ? fault : Math.fround(expected));
      }),
      { numRuns: 5000 },
    );
  });

  test('at the ends of the range', () => {
    checkFloats([
      '1e308',
      '1.7976931348623157e308',
      '1.7976931348623159e308',
      '1e400',
      '-1e400',
      '1e-400',
      '5e-324',
      '2.5e-324',
    ]);
    checkFloats([
      '3.4028235677973366e38',
      '3.4028235677973365e38',
      '1.401298464324817e-45',
      '7.006492321624085e-46',
      '7.1e-46',
    ]);
    checkFloats([
      '1e-45',
      '0.00000000000000000000000000000000000000000000140129846432481707',
      '9007199254740993',
      '1e22',
      '1e23',
    ]);
    checkFloats([
      `0.${'0'.repeat(400)}1e401`,
      `1${'0'.repeat(400)}e-400`,
      `${'9'.repeat(800)}e-780`,
      '0e99999999999',
      '-0',
      '0.0',
    ]);
    expect(Object.is(parse('float', ['-0'])[0], -0)).toBe(true);
  });

  test('nan and infinities', () => {
    const texts = ['nan', 'NaN', '-nan', 'inf', '+Inf', '-INF', 'Infinity', '-infinity', ' inf\t'];
    const expected = [NaN, NaN, NaN, Infinity, Infinity, -Infinity, Infinity, -Infinity, Infinity];
    expect(parse('float', texts)).toEqual(expected);
  });

  test('and nothing else', () => {
    const texts = [
      '.',
      '-',
      '+',
      'e5',
      '1e',
      '1e+',
      '1.2.3',
      '--1',
      '1 2',
      '0x10',
      '1_000',
      '1.5f',
      'infinit',
      'na',
      'true',
      '１',
    ];
    for (const found of parse('float', texts)) expect(found).toBe('expected a number, nan, inf or -inf');
  });
});

describe('doubles before they become float32', () => {
  const kernel = new Kernel();
  kernel.exports.csvNumberInit!(kernel.put(widePowers()));
  const text = kernel.alloc(2048);
  const out = kernel.alloc(8);
  const bits = new DataView(new ArrayBuffer(8));

  /** The bits of the double that the kernel reads, and those of Number(). */
  function both(given: string): [bigint, bigint] {
    kernel.u8.set(bytesOf(given), text);
    expect(kernel.exports.csvReadDouble!(text, text + given.length, out)).toBe(0);
    bits.setFloat64(0, Number(given));
    return [kernel.view.getBigUint64(out, true), bits.getBigUint64(0)];
  }
  function check(given: string): void {
    const [found, expected] = both(given);
    if (found !== expected) throw new Error(`${given}: ${found.toString(16)} is not ${expected.toString(16)}`);
  }

  test('from 1 to 19 digits and any exponent, where the kernel decides itself', () => {
    const random = xorshift(20240917);
    for (let i = 0; i < 100_000; i++) {
      const digits = String(random() % 10n ** (1n + (random() % 19n)));
      check(`${digits}e${Number(random() % 680n) - 360}`);
    }
  });

  test('half way between neighbours, exactly and one digit beside it', () => {
    const random = xorshift(99);
    for (let i = 0; i < 20_000; i++) {
      const exponent = Number(random() % 2046n);
      const fraction = exponent === 0 ? random() % 2n ** 52n : 2n ** 52n + (random() % 2n ** 52n);
      const exact = exactDecimal(2n * fraction + 1n, Math.max(1, exponent) - 1076);
      check(exact);
      const digits = 15 + Number(random() % 10n);
      check(shortened(exact, digits, 0n));
      check(shortened(exact, digits, 1n));
    }
  });

  test('subnormals and the smallest normal numbers', () => {
    const random = xorshift(7);
    for (let i = 0; i < 20_000; i++) check(`${random() % 10n ** 17n}e${-325 - Number(random() % 18n)}`);
    for (const given of ['2.2250738585072011e-308', '2.2250738585072014e-308', '4.9e-324', '2.4703282292062327e-324'])
      check(given);
  });

  test('more than 19 digits', () => {
    const random = xorshift(5);
    for (let i = 0; i < 50_000; i++) {
      const digits = `${random()}${random()}`.slice(0, 20 + Number(random() % 20n));
      check(`${digits.slice(0, 3)}.${digits.slice(3)}e${Number(random() % 600n) - 300}`);
    }
  });
});

/** The first digits of a decimal number, the last of them raised by `add`, as digits and exponent. */
function shortened(exact: string, count: number, add: bigint): string {
  const [whole = '', decimals = ''] = exact.split('.');
  const digits = (whole + decimals).replace(/^0+/, '');
  const taken = digits.slice(0, count);
  return `${BigInt(taken) + add}e${digits.length - taken.length - decimals.length}`;
}

/** Pseudo-random u64 (xorshift64). */
function xorshift(seed: number): () => bigint {
  let x = BigInt(seed);
  return () => {
    x ^= BigInt.asUintN(64, x << 13n);
    x ^= x >> 7n;
    x ^= BigInt.asUintN(64, x << 17n);
    return x;
  };
}

const RANGE = 'expected a whole number from -9223372036854775808 to 9223372036854775807';
const FORM = 'expected a whole number, true or false';

describe('whole numbers are exact', () => {
  test('over the whole range, in any notation that is exact', () => {
    const cases: [string, bigint | string][] = [
      ['9223372036854775807', 2n ** 63n - 1n],
      ['9223372036854775808', RANGE],
      ['-9223372036854775808', -(2n ** 63n)],
      ['-9223372036854775809', RANGE],
      ['9.223372036854775807e18', 2n ** 63n - 1n],
      ['922337203685477580.8e1', RANGE],
      ['-9223372036854775808.000', -(2n ** 63n)],
      ['9007199254740993', 2n ** 53n + 1n],
      ['1e18', 10n ** 18n],
      ['1e19', RANGE],
      ['1e99999999999', RANGE],
      ['0e99999999999', 0n],
      ['3.0', 3n],
      ['1e3', 1000n],
      ['1.5e1', 15n],
      ['1200e-2', 12n],
      ['+5', 5n],
      ['-0', 0n],
      ['5.', 5n],
      ['.5e1', 5n],
      [' \t7 ', 7n],
      [`${'0'.repeat(30)}5`, 5n],
      [`5.${'0'.repeat(30)}`, 5n],
      [`1${'0'.repeat(30)}e-30`, 1n],
      [`12345678901234567890123${'0'.repeat(9)}e-9`, RANGE],
      ['12345678901234567890123e-1', FORM],
      ['3.5', FORM],
      ['15e-1', FORM],
      ['1e-99999999999', FORM],
      ['true', 1n],
      ['False', 0n],
      ['TRUE', 1n],
      ['nan', FORM],
      ['', null as unknown as string],
      ['0x10', FORM],
      ['1_000', FORM],
      ['1 2', FORM],
      ['-', FORM],
      ['truee', FORM],
    ];
    expect(
      parse(
        'int64',
        cases.map(([text]) => text),
      ),
    ).toEqual(cases.map(([, value]) => value));
  });

  test('as the twin reads them', () => {
    const digits = fc.stringMatching(/^[+-]?\d{0,23}\.?0{0,23}\d{0,3}([eE][+-]?\d{1,3})?$/);
    const text = fc.oneof(digits, fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String));
    fc.assert(
      fc.property(text, (given) => {
        const twin = parseInt64(given);
        const expected = given === '' ? null : typeof twin === 'bigint' ? twin : twin === 6 ? FORM : RANGE;
        expect(parse('int64', [given])[0]).toEqual(expected);
      }),
      { numRuns: 5000 },
    );
  });
});
