// What the cells of a CSV column could be, row by row. Twin: src/convert/csv/inference-twin.ts.
import { isBlank, isNullToken } from './csv-cells';
import { longForm, plainForm } from './csv-forms';
import {
  classifyNumber,
  CLASS_BIG,
  CLASS_BOOL,
  CLASS_FLOAT,
  CLASS_INT,
  CLASS_TEXT,
  foundFloat,
  foundInt,
  readFloat,
} from './csv-number';
import { keepLast, plainFloat, plainInt } from './csv-plain-number';
import {
  CELL_BYTES,
  L_COLUMN,
  L_END,
  L_OP,
  L_QUOTED,
  L_START,
  OP_SKIP,
  P_NULL_LENGTHS,
  P_QUOTED_NULLS,
} from './csv-state';
import { distinctInit, distinctNoteIn, hashBytes, hashU64 } from './hash';

// One column; src/convert/csv/inferrer.ts is the other side
const F_CLASSES: usize = 0; // bit n: cells of class n were seen
const F_FIRST: usize = 4; // address: for each class where the first cell's row begins, its text begins and ends
const F_REGISTERS: usize = 8; // address: of the distinct count, 0 for none
const F_NULLS: usize = 16; // u64: cells that are missing
const F_BLANK_NULLS: usize = 24; // u64: missing where the column holds numbers: null tokens with blanks around
const F_INT_MIN: usize = 32; // of INT and BOOL cells
const F_INT_MAX: usize = 40;
const F_FLOAT_MIN: usize = 48; // of FLOAT and BIG cells that are finite, as float32
const F_FLOAT_MAX: usize = 52;

const DISTINCT_BITS: u64 = 12; // few registers, so that those of hundreds of columns stay in the cache

const SCRATCH: usize = memory.data(16, 16);

/** Must be called before rows are taken in. */
export function csvInferInit(): void {
  distinctInit();
}

/** Takes the cells of one row, which OP_INFER left in the plan, into their columns. */
export function inferRow(state: usize, cells: usize, cellsEnd: usize, rowStart: usize): void {
  const nullLengths = load<u32>(state, P_NULL_LENGTHS);
  const quotedNullLengths = load<u32>(state, P_QUOTED_NULLS) ? nullLengths : 0;
  for (let cell = cells; cell < cellsEnd; cell += CELL_BYTES) {
    const s = load<u32>(cell, L_START) as usize;
    const e = load<u32>(cell, L_END) as usize;
    const lengths = load<u32>(cell, L_QUOTED) ? quotedNullLengths : nullLengths;
    const column = load<u32>(cell, L_COLUMN) as usize;
    const length = (e - s) as u32;
    if ((lengths >>> min(length, 31)) & 1 && isNullToken(state, s, length)) {
      store<u64>(column, load<u64>(column, F_NULLS) + 1, F_NULLS);
      continue;
    }
    const classes = load<u32>(column, F_CLASSES);
    if ((classes & (1 << CLASS_TEXT)) == 0) {
      if (classes & (1 << CLASS_FLOAT)) {
        if (plainFloat(s, e, SCRATCH)) noteFloat(column, load<f32>(SCRATCH));
        else inferCell(state, column, rowStart, s, e, lengths);
      } else if (classes & (1 << CLASS_INT) && plainInt(s, e, 0, 0, SCRATCH)) noteInt(column, load<i64>(SCRATCH));
      else inferCell(state, column, rowStart, s, e, lengths);
    }
    const registers = load<u32>(column, F_REGISTERS) as usize;
    if (registers) distinctNoteIn(registers, hashText(s, e), DISTINCT_BITS);
  }
}

/**
 * Like inferRow, for what the columns are alone: no counts, no ranges. Of the cells of a column that holds text none is
 * looked at any more.
 */
export function inferKinds(state: usize, cells: usize, cellsEnd: usize, rowStart: usize): void {
  const nullLengths = load<u32>(state, P_NULL_LENGTHS);
  const quotedNullLengths = load<u32>(state, P_QUOTED_NULLS) ? nullLengths : 0;
  let cell = cells;
  for (;;) {
    cell = tellingCell(cell, cellsEnd, nullLengths, quotedNullLengths);
    if (cell == cellsEnd) return;
    const s = load<u32>(cell, L_START) as usize;
    const e = load<u32>(cell, L_END) as usize;
    const lengths = load<u32>(cell, L_QUOTED) ? quotedNullLengths : nullLengths;
    const column = load<u32>(cell, L_COLUMN) as usize;
    const length = (e - s) as u32;
    const isNull = (lengths >>> min(length, 31)) & 1 && isNullToken(state, s, length);
    if (!isNull && !(load<u32>(column, F_CLASSES) & (1 << CLASS_FLOAT) && longForm(s, e))) {
      inferCell(state, column, rowStart, s, e, lengths);
      if (load<u32>(column, F_CLASSES) & (1 << CLASS_TEXT)) store<u32>(cell, OP_SKIP, L_OP);
    }
    cell += CELL_BYTES;
  }
}

/** The next cell that is neither missing nor a plain number of its column's class. No calls: the loop stays in registers. */
function tellingCell(from: usize, cellsEnd: usize, nullLengths: u32, quotedNullLengths: u32): usize {
  let cell = from;
  for (; cell < cellsEnd; cell += CELL_BYTES) {
    if (load<u32>(cell, L_OP) == OP_SKIP) continue;
    const s = load<u32>(cell, L_START) as usize;
    const e = load<u32>(cell, L_END) as usize;
    const lengths = load<u32>(cell, L_QUOTED) ? quotedNullLengths : nullLengths;
    if (((e - s) as u32) == 0 && lengths & 1) continue;
    if ((lengths >>> min((e - s) as u32, 31)) & 1) break;
    const classes = load<u32>(load<u32>(cell, L_COLUMN), F_CLASSES);
    if (!(classes & ((1 << CLASS_INT) | (1 << CLASS_FLOAT)))) break;
    if (!plainForm(s, e, (classes >>> CLASS_FLOAT) & 1)) break;
  }
  return cell;
}

/** XXH64 of the text where it has more than 16 bytes; else of 8 bytes made of it. */
// @ts-ignore: decorator
@inline
function hashText(s: usize, e: usize): u64 {
  const length = (e - s) as u32;
  if (length > 16) return hashBytes(s, length, 0);
  const text = v128.and(v128.load(e - 16), keepLast(length));
  return hashU64(i64x2.extract_lane(text, 0) * 0x9e3779b97f4a7c15 + i64x2.extract_lane(text, 1), length);
}

// @ts-ignore: decorator
@inline
function noteInt(column: usize, value: i64): void {
  if (value < load<i64>(column, F_INT_MIN)) store<i64>(column, value, F_INT_MIN);
  if (value > load<i64>(column, F_INT_MAX)) store<i64>(column, value, F_INT_MAX);
}

// @ts-ignore: decorator
@inline
function noteFloat(column: usize, value: f32): void {
  if (value < load<f32>(column, F_FLOAT_MIN)) store<f32>(column, value, F_FLOAT_MIN);
  if (value > load<f32>(column, F_FLOAT_MAX)) store<f32>(column, value, F_FLOAT_MAX);
}

/** A cell that is no plain number, or the first of its class. */
function inferCell(state: usize, column: usize, rowStart: usize, start: usize, end: usize, lengths: u32): void {
  let s = start;
  let e = end;
  while (s < e && isBlank(s)) s++;
  while (s < e && isBlank(e - 1)) e--;
  const length = (e - s) as u32;
  if ((lengths >>> min(length, 31)) & 1 && isNullToken(state, s, length)) {
    store<u64>(column, load<u64>(column, F_BLANK_NULLS) + 1, F_BLANK_NULLS);
    return;
  }
  const found = classifyNumber(s, e);
  if (found == CLASS_INT || found == CLASS_BOOL) noteInt(column, foundInt);
  else if (found != CLASS_TEXT) {
    readFloat(s, e);
    const value = foundFloat as f32;
    if (abs(value) < Infinity) noteFloat(column, value);
  }
  const classes = load<u32>(column, F_CLASSES);
  if (classes & (1 << found)) return;
  store<u32>(column, classes | (1 << found), F_CLASSES);
  const first = (load<u32>(column, F_FIRST) as usize) + (found as usize) * 12;
  store<u32>(first, rowStart as u32);
  store<u32>(first, start as u32, 4);
  store<u32>(first, end as u32, 8);
}
