// Cells as they mostly are. The loop has no calls, so that V8 keeps it in registers.
import { C_DEFAULT, C_HAS_DEFAULT, C_KIND, C_OFFSETS, C_VALIDITY, C_VALUES, C_VALUES_CAP, KIND_FLOAT } from './column';
import { plainFloat, plainInt } from './csv-plain-number';
import {
  CELL_BYTES,
  L_CAPACITY,
  L_COLUMN,
  L_DEFAULT,
  L_EMPTY,
  L_END,
  L_OFFSETS,
  L_OP,
  L_QUOTED,
  L_START,
  L_VALIDITY,
  L_VALUES,
  OP_BYTES,
  OP_END,
  OP_FLOAT,
  OP_INFER,
  OP_INT,
  OP_SKIP,
  P_ABSENT_COUNT,
  P_BLANK_ROWS,
  P_CELL,
  P_CELLS,
  P_END,
  P_INFER,
  P_LAST,
  P_MAX_ROWS,
  P_MAX_ROW_BYTES,
  P_NEXT,
  P_NULL_LENGTHS,
  P_OPEN,
  P_POSITION,
  P_QUOTE,
  P_QUOTED_NULLS,
  P_ROW,
  P_ROWS,
  P_START,
} from './csv-state';

// Why plainCells stopped
export const AT_CELL: u32 = 0; // a cell that it does not take
export const AT_ROW: u32 = 1; // a row's last cell is taken, and there is more to do
export const AT_FULL: u32 = 2; // the columns are full
export const AT_END: u32 = 3; // the text has ended

/** Takes into the plan what plainCells wants to know of the columns; they move when they grow. */
export function openCells(state: usize): void {
  store<u32>(state, 1, P_OPEN);
  const emptyIsNull = (load<u32>(state, P_NULL_LENGTHS) & 1) != 0;
  for (let cell = load<u32>(state, P_CELLS) as usize; load<u32>(cell, L_OP) != OP_END; cell += CELL_BYTES) {
    const op = load<u32>(cell, L_OP);
    if (op != OP_INT && op != OP_FLOAT && op != OP_BYTES) continue;
    const column = load<u32>(cell, L_COLUMN) as usize;
    const given = load<u32>(column, C_HAS_DEFAULT) != 0;
    store<u32>(cell, load<u32>(column, C_VALUES), L_VALUES);
    store<u32>(cell, load<u32>(column, C_VALIDITY), L_VALIDITY);
    store<u32>(cell, load<u32>(column, C_OFFSETS), L_OFFSETS);
    store<u32>(cell, !emptyIsNull ? 0 : !given ? 1 : op == OP_BYTES ? 0 : 2, L_EMPTY);
    if (op == OP_BYTES) store<u32>(cell, load<u32>(column, C_VALUES_CAP), L_CAPACITY);
    else if (!given) store<u64>(cell, 0, L_DEFAULT);
    else {
      const value = load<u32>(column, C_DEFAULT) as usize;
      store<u64>(
        cell,
        load<u32>(column, C_KIND) == KIND_FLOAT ? (load<u32>(value) as u64) : load<u64>(value),
        L_DEFAULT,
      );
    }
  }
}

/**
 * Takes cells, and whole rows, as long as there is nothing special about them, and says why it stopped. What it leaves
 * to everyCell may have been written in part: that does no harm, since it is written again.
 */
export function plainCells(state: usize): u32 {
  const quote = load<u32>(state, P_QUOTE);
  const cells = load<u32>(state, P_CELLS) as usize;
  const last = load<u32>(state, P_LAST) as usize;
  let next = load<u32>(state, P_NEXT) as usize;
  let cell = load<u32>(state, P_CELL) as usize;
  let start = load<u32>(state, P_START) as usize;
  let row = load<u32>(state, P_ROWS);
  let stop = AT_CELL;
  while (next < last) {
    let pos = load<u32>(next) as usize;
    let after = next + 4;
    let b = load<u8>(pos) as u32;
    let s = start;
    let e = pos;
    if (b == quote) {
      if (pos != start || next + 8 >= last || load<u32>(state, P_QUOTED_NULLS)) break;
      s = pos + 1;
      e = load<u32>(next, 4);
      pos = load<u32>(next, 8);
      after = next + 12;
      b = load<u8>(pos);
      if (pos != e + 1 || b == quote) break;
    } else {
      if (b == 10) {
        if (e > s && load<u8>(e - 1) == 13) e--;
        if (s == e && cell == cells && !load<u32>(state, P_BLANK_ROWS)) break;
      }
      const tokens = load<u32>(state, P_NULL_LENGTHS) & ~1;
      if (tokens && (tokens >>> min((e - s) as u32, 31)) & 1) break;
    }
    const empty = (start == e) as u32; // and not in quotes
    let taken = true;
    switch (load<u32>(cell, L_OP)) {
      case OP_SKIP:
        break;
      case OP_INT: {
        // no branch on whether the cell is empty: that is hard to predict, and common in columns of integers
        const at = (load<u32>(cell, L_VALUES) as usize) + ((row as usize) << 3);
        const onEmpty = load<u32>(cell, L_EMPTY);
        taken = empty <= onEmpty && plainInt(s, e, empty, load<i64>(cell, L_DEFAULT), at);
        if (taken) store<u8>((load<u32>(cell, L_VALIDITY) as usize) + row, (empty ? onEmpty >> 1 : 1) as u8);
        break;
      }
      case OP_FLOAT: {
        const at = (load<u32>(cell, L_VALUES) as usize) + ((row as usize) << 2);
        if (plainFloat(s, e, at)) break;
        const onEmpty = load<u32>(cell, L_EMPTY);
        taken = empty && onEmpty;
        if (!taken) break;
        store<u32>(at, load<u32>(cell, L_DEFAULT));
        store<u8>((load<u32>(cell, L_VALIDITY) as usize) + row, (onEmpty >> 1) as u8);
        break;
      }
      case OP_BYTES: {
        const offsets = (load<u32>(cell, L_OFFSETS) as usize) + ((row as usize) << 2);
        const used = load<u32>(offsets);
        const need = used + ((e - s) as u32);
        const onEmpty = load<u32>(cell, L_EMPTY);
        if (need > load<u32>(cell, L_CAPACITY) || empty > onEmpty) {
          taken = false;
          break;
        }
        const to = (load<u32>(cell, L_VALUES) as usize) + used;
        v128.store(to, v128.load(s));
        for (let i: usize = 16; s + i < e; i += 16) v128.store(to + i, v128.load(s + i));
        store<u32>(offsets, need, 4);
        store<u8>((load<u32>(cell, L_VALIDITY) as usize) + row, (empty ^ 1) as u8);
        break;
      }
      case OP_INFER:
        store<u32>(cell, s as u32, L_START);
        store<u32>(cell, e as u32, L_END);
        store<u32>(cell, s != start ? 1 : 0, L_QUOTED);
        break;
      default:
        taken = false;
    }
    if (!taken) break;
    if (b != 10) {
      next = after;
      cell += CELL_BYTES;
      start = pos + 1;
      continue;
    }
    if (load<u32>(cell + CELL_BYTES, L_OP) != OP_END) break;
    next = after;
    if (
      load<u32>(state, P_INFER) ||
      load<u32>(state, P_ABSENT_COUNT) ||
      (pos as u32) - load<u32>(state, P_ROW) > load<u32>(state, P_MAX_ROW_BYTES)
    ) {
      store<u32>(state, pos as u32, P_POSITION);
      cell += CELL_BYTES;
      stop = AT_ROW;
      break;
    }
    row++;
    cell = cells;
    start = pos + 1;
    store<u32>(state, start as u32, P_ROW);
    if (row == load<u32>(state, P_MAX_ROWS)) {
      stop = AT_FULL;
      break;
    }
    if (start >= load<u32>(state, P_END)) {
      stop = AT_END;
      break;
    }
  }
  store<u32>(state, next as u32, P_NEXT);
  store<u32>(state, cell as u32, P_CELL);
  store<u32>(state, start as u32, P_START);
  store<u32>(state, row, P_ROWS);
  return stop;
}
