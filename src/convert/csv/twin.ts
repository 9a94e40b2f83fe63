import type { Feature, Scalar } from '../../records/schema.js';
import { widthOf } from '../../records/schema.js';
import { type BadRow, type BadRowFacts, expectedOf, isRowFault, shownValue } from './bad-row.js';
import { parseNumber, trimBlanks } from './cells.js';
import { BAD, type BadCode } from './kernel-state.js';
import type { CsvPlan } from './plan.js';
import { type RawCell, type RawRow, tokenise } from './tokenise.js';

/** What one row has for each feature of the schema: a value, a list of values, or null where it has none. */
export type TwinRow = readonly (Scalar | readonly Scalar[] | null)[];

const NEWLINE = 10;

/**
 * Parses a chunk of whole rows in the plainest way: the same rows and the same bad rows as CsvParser, whose oracle it is.
 * int64 values are bigints, bytes are copies.
 */
export function* parseCsvPlainly(text: Uint8Array, plan: CsvPlan): Generator<TwinRow | BadRow> {
  let row = 0;
  let line = 0;
  let counted = 0;
  for (const raw of tokenise(text, plan.dialect, plan.blankRows)) {
    const values = rowValues(text, raw, plan);
    for (; counted < raw.start; counted++) if (text[counted] === NEWLINE) line++;
    yield Array.isArray(values) ? values : badRow(text, raw, plan, values as Fault, { row, line });
    row++;
  }
}

export function isBadRow(row: TwinRow | BadRow): row is BadRow {
  return !Array.isArray(row);
}

interface Fault {
  readonly code: BadCode;
  readonly cell: number;
  /** The text to show. */
  readonly start: number;
  readonly end: number;
}

function rowValues(text: Uint8Array, raw: RawRow, plan: CsvPlan): (Scalar | Scalar[] | null)[] | Fault {
  const { schema, cells, names, separators } = plan;
  const wanted = names.length;
  const whole = { start: raw.start, end: raw.end };
  if (raw.end - raw.start > plan.maxRowBytes) return { code: BAD.ROW_BYTES, cell: 0, ...whole };
  const values: (Scalar | Scalar[] | null)[] = schema.features.map((feature) => missing(feature));
  for (const [i, cell] of raw.cells.entries()) {
    if (i === wanted) return { code: BAD.MANY, cell: i, ...whole };
    const index = cells[i]!;
    if (index < 0) continue;
    const found = cellValue(text, cell, schema.features[index]!, separators[index], plan);
    if ('bad' in found) {
      const code = raw.count < wanted ? BAD.FEW : raw.count > wanted ? BAD.MANY : found.bad;
      return { code, cell: i, start: cell.start, end: cell.end };
    }
    if ('missing' in found) continue;
    const isOne = schema.features[index]!.shape.length === 0 || Array.isArray(found.value);
    values[index] = isOne ? found.value : [found.value as Scalar];
  }
  if (raw.fault !== undefined) {
    let end = raw.fault.at;
    const delimiter = plan.dialect.delimiter.charCodeAt(0);
    while (end < raw.end && text[end] !== delimiter && text[end] !== NEWLINE) end++;
    return { code: raw.fault.code, cell: raw.cells.length, start: raw.fault.start, end };
  }
  return raw.cells.length < wanted ? { code: BAD.FEW, cell: 0, ...whole } : values;
}

type CellValue = { readonly value: Scalar | Scalar[] } | { readonly missing: true } | { readonly bad: BadCode };

function cellValue(
  text: Uint8Array,
  cell: RawCell,
  feature: Feature,
  separator: string | undefined,
  plan: CsvPlan,
): CellValue {
  const written = latin1(text.subarray(cell.start, cell.end));
  const isList = separator !== undefined;
  const compared = feature.kind === 'bytes' || isList ? written : trimBlanks(written);
  const tokens = cell.quoted && !plan.quotedNulls ? [] : plan.nulls;
  if (tokens.some((token) => latin1(new TextEncoder().encode(token)) === compared)) return { missing: true };
  const quote = plan.dialect.quote;
  const content = cell.quoted && quote !== null ? written.replaceAll(quote + quote, quote) : written;
  if (!isList) {
    if (feature.kind === 'bytes') return { value: fromLatin1(content) };
    return parseNumber(feature.kind, written);
  }
  const between = latin1(new TextEncoder().encode(separator));
  const items = written === '' ? [] : (feature.kind === 'bytes' ? content : written).split(between);
  const width = widthOf(feature);
  if (width >= 0 && items.length !== width) return { bad: BAD.LIST };
  const list: Scalar[] = [];
  for (const item of items) {
    const found = feature.kind === 'bytes' ? { value: fromLatin1(item) } : parseNumber(feature.kind, item);
    if ('bad' in found) return found;
    list.push(found.value);
  }
  return { value: list };
}

/** What stands in for a missing cell. */
function missing(feature: Feature): Scalar | Scalar[] | null {
  if (feature.default === undefined) return null;
  const given = Array.isArray(feature.default) ? (feature.default as readonly Scalar[]) : [feature.default as Scalar];
  const width = widthOf(feature);
  const filled = width > 1 && given.length === 1 ? new Array<Scalar>(width).fill(given[0]!) : given;
  const values = filled.map((value) => {
    if (feature.kind === 'int64') return BigInt(value as number | bigint);
    if (feature.kind === 'float') return Math.fround(Number(value));
    return value instanceof Uint8Array ? value : new TextEncoder().encode(String(value));
  });
  return feature.shape !== 'ragged' && feature.shape.length === 0 ? values[0]! : values;
}

function badRow(
  text: Uint8Array,
  raw: RawRow,
  plan: CsvPlan,
  fault: Fault,
  place: { row: number; line: number },
): BadRow {
  const { code, cell } = fault;
  const feature = plan.schema.features[plan.cells[cell] ?? -1];
  const separator = plan.separators[plan.cells[cell] ?? -1];
  const facts: BadRowFacts = {
    code,
    count: raw.count,
    wanted: plan.names.length,
    maxRowBytes: plan.maxRowBytes,
    list: feature && separator !== undefined ? { separator, width: widthOf(feature) } : undefined,
  };
  const inCell = code !== BAD.FEW && code !== BAD.MANY && code !== BAD.ROW_BYTES;
  const end = raw.end > raw.start && text[raw.end - 1] === 13 ? raw.end - 1 : raw.end;
  return {
    code: isRowFault(code) ? 'SHARDFEED_CSV_ROW' : 'SHARDFEED_CSV_FIELD',
    row: place.row,
    offset: raw.start,
    line: place.line,
    column: inCell ? plan.names[cell] : undefined,
    value: inCell ? shownValue(text.subarray(fault.start, fault.end)) : undefined,
    expected: expectedOf(facts),
    bytes: new Uint8Array(text.subarray(raw.start, end)),
  };
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const b of bytes) text += String.fromCharCode(b);
  return text;
}
function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
