// CSV rows to columns. The structural scan (csv-index.ts) gives the positions of quotes, delimiters and newlines; cells lie
// between them. plainCells takes the cells as long as they are written in the plainest way, in a loop without calls, so
// that V8 keeps it in registers; everyCell takes any cell, and finds what is wrong with it. Rows end by quote parity
// alone, so a malformed row never changes where other rows begin.
import { C_DEFAULT, C_HAS_DEFAULT, C_KIND, C_OFFSETS, C_VALIDITY, C_VALUES, C_VALUES_CAP, KIND_FLOAT } from './column';
import { closeColumns, copyCell, isNullToken, listCell, markCells, missingCell, needRoom, numberCell, openColumns } from './csv-cells';
import { indexMore } from './csv-index';
import { inferRow } from './csv-infer';
import { plainFloat, plainInt } from './csv-number';
import {
  BAD_AFTER_QUOTE,
  BAD_FEW,
  BAD_GROW,
  BAD_INT,
  BAD_LIST,
  BAD_MANY,
  BAD_OPEN_QUOTE,
  BAD_ROW_BYTES,
  BAD_STRAY_QUOTE,
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
  OP_LIST,
  OP_SKIP,
  P_ABSENT,
  P_ABSENT_COUNT,
  P_BAD_CELL,
  P_BAD_CODE,
  P_BAD_COUNT,
  P_BAD_END,
  P_BAD_ROW,
  P_BAD_ROW_END,
  P_BAD_START,
  P_BLANK_ROWS,
  P_CELL,
  P_CELL_COUNT,
  P_CELLS,
  P_DELIMITER,
  P_END,
  P_LAST,
  P_MAX_ROW_BYTES,
  P_MAX_ROWS,
  P_NEXT,
  P_NULL_LENGTHS,
  P_OPEN,
  P_PARITY,
  P_POSITION,
  P_QUOTE,
  P_QUOTED_NULLS,
  P_ROW,
  P_ROWS,
  P_SCAN,
  P_START,
  PARSE_BAD,
  PARSE_DONE,
  PARSE_GROW,
  PARSE_MORE,
} from './csv-state';

// Why plainCells stopped
const AT_CELL: u32 = 0; // a cell that it does not take
const AT_ROW: u32 = 1; // a row's last cell is taken, and there is more to do
const AT_FULL: u32 = 2; // the columns are full
const AT_END: u32 = 3; // the text has ended

// What everyCell did
const CELL_TAKEN: u32 = 0;
const CELL_LAST: u32 = 1; // it was the last of its row
const CELL_BLANK: u32 = 2; // there was no cell but a blank line
const CELL_BAD: u32 = 3; // P_BAD_CODE says why

/**
 * Parses rows into the columns until the text ends (PARSE_DONE), P_MAX_ROWS are there (PARSE_MORE), a row is bad
 * (PARSE_BAD, P_BAD_*) or a column is full (PARSE_GROW, P_GROW_*). P_ROWS says how many rows the columns hold. The next
 * call begins with row 0 of the columns again, except after PARSE_GROW, where `resume` 1 keeps the rows and goes on.
 */
export function csvParse(state: usize, resume: u32): u32 {
  if (!resume) {
    openColumns(state);
    store<u32>(state, 0, P_ROWS);
  }
  if (resume || !load<u32>(state, P_OPEN)) openCells(state);
  beginRow(state, load<u32>(state, P_ROW));
  const status = parseRows(state);
  closeColumns(state, load<u32>(state, P_ROWS));
  return status;
}

function parseRows(state: usize): u32 {
  const end = load<u32>(state, P_END);
  while (load<u32>(state, P_ROW) < end) {
    const stop = plainCells(state);
    if (stop == AT_FULL) return PARSE_MORE;
    if (stop == AT_END) break;
    const taken = stop == AT_ROW ? CELL_LAST : everyCell(state);
    if (taken == CELL_TAKEN) continue;
    let bad: u32 = 0;
    if (taken == CELL_BAD) bad = load<u32>(state, P_BAD_CODE);
    else if (taken == CELL_LAST) bad = finishRow(state);
    if (bad == BAD_GROW) {
      // again from the start of this row, once there is room
      store<u32>(state, load<u32>(state, P_ROW), P_SCAN);
      store<u32>(state, 0, P_PARITY);
      store<u32>(state, load<u32>(state, P_LAST), P_NEXT);
      return PARSE_GROW;
    }
    if (bad) {
      badRow(state, bad);
      return PARSE_BAD;
    }
    beginRow(state, load<u32>(state, P_POSITION) + 1);
    if (load<u32>(state, P_ROWS) == load<u32>(state, P_MAX_ROWS)) return PARSE_MORE;
  }
  return PARSE_DONE;
}

function beginRow(state: usize, at: u32): void {
  store<u32>(state, at, P_ROW);
  store<u32>(state, at, P_START);
  store<u32>(state, load<u32>(state, P_CELLS), P_CELL);
}

/** Takes into the plan what plainCells wants to know of the columns; they move when they grow. */
function openCells(state: usize): void {
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
      store<u64>(cell, load<u32>(column, C_KIND) == KIND_FLOAT ? (load<u32>(value) as u64) : load<u64>(value), L_DEFAULT);
    }
  }
}

/**
 * Takes cells, and whole rows, as long as there is nothing special about them, and says why it stopped. What it leaves
 * to everyCell may have been written in part: that does no harm, since it is written again.
 */
function plainCells(state: usize): u32 {
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
      load<u32>(cells, L_OP) == OP_INFER ||
      load<u32>(state, P_ABSENT_COUNT) ||
      ((pos as u32) - load<u32>(state, P_ROW)) > load<u32>(state, P_MAX_ROW_BYTES)
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

/** The next position of the index. */
function nextPosition(state: usize): usize {
  if (load<u32>(state, P_NEXT) == load<u32>(state, P_LAST)) indexMore(state);
  const next = load<u32>(state, P_NEXT);
  store<u32>(state, next + 4, P_NEXT);
  return load<u32>(next);
}

/** Takes one cell, however it is written, and moves on behind it. */
function everyCell(state: usize): u32 {
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

function bytesCell(state: usize, column: usize, row: u32, s: usize, e: usize, quote: u32, nullLengths: u32): u32 {
  const length = (e - s) as u32;
  if ((nullLengths >>> min(length, 31)) & 1 && isNullToken(state, s, length)) return missingCell(state, column, row);
  const offsets = (load<u32>(column, C_OFFSETS) as usize) + ((row as usize) << 2);
  const used = load<u32>(offsets);
  if (used + length > load<u32>(column, C_VALUES_CAP)) return needRoom(state, column, used + length, 0);
  const to = (load<u32>(column, C_VALUES) as usize) + used;
  if (quote < 256) store<u32>(offsets, used + copyCell(to, s, e, quote), 4);
  else {
    memory.copy(to, s, length);
    store<u32>(offsets, used + length, 4);
  }
  return 0;
}

/** Notes what is wrong with the cell at hand: it begins at `start`, the fault lies at `fault`. */
function badCell(state: usize, bad: u32, start: usize, fault: usize, pos: usize): u32 {
  store<u32>(state, bad, P_BAD_CODE);
  store<u32>(state, start as u32, P_BAD_START);
  store<u32>(state, fault as u32, P_BAD_END);
  store<u32>(state, pos as u32, P_POSITION);
  return CELL_BAD;
}

/** All cells of a row are taken: fills the columns without a cell, and counts the row. */
function finishRow(state: usize): u32 {
  const row = load<u32>(state, P_ROWS);
  const rowStart = load<u32>(state, P_ROW);
  if (load<u32>(state, P_POSITION) - rowStart > load<u32>(state, P_MAX_ROW_BYTES)) return BAD_ROW_BYTES;
  let absent = load<u32>(state, P_ABSENT) as usize;
  for (let n = load<u32>(state, P_ABSENT_COUNT); n > 0; n--) {
    const bad = missingCell(state, load<u32>(absent), row);
    if (bad) return bad;
    absent += 4;
  }
  const cells = load<u32>(state, P_CELLS) as usize;
  if (load<u32>(cells, L_OP) == OP_INFER) inferRow(state, cells, load<u32>(state, P_CELL), rowStart);
  store<u32>(state, row + 1, P_ROWS);
  return 0;
}

/**
 * Reports a bad row: runs on to its end and counts its cells. Where the number of cells is wrong too, that is the error:
 * it explains the other. Quotes come before both.
 */
function badRow(state: usize, bad: u32): void {
  const end = load<u32>(state, P_END) as usize;
  const delimiter = load<u32>(state, P_DELIMITER);
  const wanted = load<u32>(state, P_CELL_COUNT);
  const rowStart = load<u32>(state, P_ROW);
  const cell = (load<u32>(state, P_CELL) - load<u32>(state, P_CELLS)) / CELL_BYTES;
  markCells(state, load<u32>(state, P_CELL), load<u32>(state, P_ROWS));
  let count = bad == BAD_FEW || bad == BAD_ROW_BYTES ? cell : cell + 1;
  let pos = load<u32>(state, P_POSITION) as usize;
  for (;;) {
    const b = load<u8>(pos) as u32;
    if (pos >= end || b == 10) break;
    if (b == delimiter) count++;
    pos = nextPosition(state);
  }
  if (bad >= BAD_INT && bad <= BAD_LIST) {
    if (count < wanted) bad = BAD_FEW;
    else if (count > wanted) bad = BAD_MANY;
  }
  if ((pos as u32) - rowStart > load<u32>(state, P_MAX_ROW_BYTES)) bad = BAD_ROW_BYTES;
  store<u32>(state, bad, P_BAD_CODE);
  store<u32>(state, cell, P_BAD_CELL);
  store<u32>(state, rowStart, P_BAD_ROW);
  store<u32>(state, pos as u32, P_BAD_ROW_END);
  store<u32>(state, count, P_BAD_COUNT);
  beginRow(state, (pos + 1) as u32);
}
