// Any cell, and what is wrong with it.
import { bytesCell, listCell, numberCell } from './csv-cells';
import { nextPosition } from './csv-index';
import {
  BAD_AFTER_QUOTE,
  BAD_FEW,
  BAD_MANY,
  BAD_OPEN_QUOTE,
  BAD_STRAY_QUOTE,
  CELL_BYTES,
  L_COLUMN,
  L_END,
  L_OP,
  L_QUOTED,
  L_START,
  OP_BYTES,
  OP_END,
  OP_FLOAT,
  OP_INFER,
  OP_INT,
  OP_LIST,
  P_BAD_CODE,
  P_BAD_END,
  P_BAD_START,
  P_BLANK_ROWS,
  P_CELL,
  P_CELLS,
  P_END,
  P_NULL_LENGTHS,
  P_POSITION,
  P_QUOTE,
  P_QUOTED_NULLS,
  P_ROWS,
  P_START,
} from './csv-state';

// What everyCell did
export const CELL_TAKEN: u32 = 0;
export const CELL_LAST: u32 = 1; // it was the last of its row
export const CELL_BLANK: u32 = 2; // there was no cell but a blank line
export const CELL_BAD: u32 = 3; // P_BAD_CODE says why

/** Takes one cell, however it is written, and moves on behind it. */
export function everyCell(state: usize): u32 {
  const end = load<u32>(state, P_END) as usize;
  const quote = load<u32>(state, P_QUOTE);
  const cell = load<u32>(state, P_CELL) as usize;
  const start = load<u32>(state, P_START) as usize;
  const row = load<u32>(state, P_ROWS);
  let lengths = load<u32>(state, P_NULL_LENGTHS);
  let pos = nextPosition(state);
  let b = load<u8>(pos) as u32;
  let s = start;
  let e = pos;
  let escapes: u32 = 0;
  if (b == quote) {
    if (pos != start) return badCell(state, BAD_STRAY_QUOTE, start, pos, pos);
    s = pos + 1;
    if (!load<u32>(state, P_QUOTED_NULLS)) lengths = 0;
    for (;;) {
      e = nextPosition(state); // in quotes the index holds quotes only, and the end of the text
      if (e >= end) return badCell(state, BAD_OPEN_QUOTE, start, e, e);
      pos = nextPosition(state);
      b = load<u8>(pos);
      if (pos == e + 1) {
        if (b != quote) break;
        escapes++;
      } else {
        if (pos == e + 2 && b == 10 && load<u8>(e + 1) == 13) break;
        return badCell(state, BAD_AFTER_QUOTE, start, e + 1, pos);
      }
    }
  } else if (b == 10) {
    if (e > s && load<u8>(e - 1) == 13) e--;
    if (s == e && cell == (load<u32>(state, P_CELLS) as usize) && !load<u32>(state, P_BLANK_ROWS)) {
      store<u32>(state, pos as u32, P_POSITION);
      return CELL_BLANK;
    }
  }
  const op = load<u32>(cell, L_OP);
  const column = load<u32>(cell, L_COLUMN) as usize;
  let bad: u32 = 0;
  if (op == OP_END) return badCell(state, BAD_MANY, start, e, pos);
  if (op == OP_INT || op == OP_FLOAT) bad = numberCell(state, column, row, s, e, lengths);
  else if (op == OP_BYTES) bad = bytesCell(state, column, row, s, e, escapes > 0 ? quote : 256, lengths);
  else if (op == OP_LIST) bad = listCell(state, cell, row, s, e, quote, lengths);
  else if (op == OP_INFER) {
    store<u32>(cell, s as u32, L_START);
    store<u32>(cell, e as u32, L_END);
    store<u32>(cell, s != start ? 1 : 0, L_QUOTED);
  }
  if (bad) return badCell(state, bad, s, e, pos);
  store<u32>(state, cell + CELL_BYTES, P_CELL);
  store<u32>(state, (pos + 1) as u32, P_START);
  store<u32>(state, pos as u32, P_POSITION);
  if (b != 10) return CELL_TAKEN;
  return load<u32>(cell + CELL_BYTES, L_OP) == OP_END ? CELL_LAST : badCell(state, BAD_FEW, start, e, pos);
}

/** Notes what is wrong with the cell at hand: it begins at `start`, the fault lies at `fault`. */
function badCell(state: usize, bad: u32, start: usize, fault: usize, pos: usize): u32 {
  store<u32>(state, bad, P_BAD_CODE);
  store<u32>(state, start as u32, P_BAD_START);
  store<u32>(state, fault as u32, P_BAD_END);
  store<u32>(state, pos as u32, P_POSITION);
  return CELL_BAD;
}
