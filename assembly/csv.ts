// CSV rows to columns. A structural scan (csv-scan.ts) turns each block of text into the positions of its quotes and of
// the delimiters and newlines outside quotes; the row loop then takes cells between positions and parses each the way
// its column wants. Rows end by quote parity alone, so a malformed row never changes where other rows begin.
import { C_OFFSETS, C_VALUES, C_VALUES_CAP } from './column';
import { closeColumns, copyCell, isNullToken, listCell, missingCell, needRoom, numberCell, openColumns } from './csv-cells';
import { inferRow } from './csv-infer';
import { plainFloat, plainInt } from './csv-number';
import { bytesEqual, prefixXor } from './csv-scan';
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
  L_COLUMN,
  L_END,
  L_OP,
  L_QUOTED,
  L_START,
  OP_BYTES,
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
  P_CELLS,
  P_CELL_COUNT,
  P_DELIMITER,
  P_END,
  P_INDEX,
  P_LAST,
  P_MAX_ROWS,
  P_MAX_ROW_BYTES,
  P_NEXT,
  P_NULL_LENGTHS,
  P_PARITY,
  P_QUOTE,
  P_QUOTED_NULLS,
  P_ROW,
  P_ROWS,
  P_SCAN,
  PARSE_BAD,
  PARSE_DONE,
  PARSE_GROW,
  PARSE_MORE,
} from './csv-state';

const INDEX_BLOCK: u32 = 16384;

/** Scans on until the index holds a position. A last one stands at the end of the text. */
function indexMore(state: usize): void {
  const end = load<u32>(state, P_END) as usize;
  const quoteByte = load<u32>(state, P_QUOTE);
  const quote = i8x16.splat(quoteByte as i8);
  const quotes: u64 = quoteByte < 256 ? -1 : 0;
  const delimiter = i8x16.splat(load<u32>(state, P_DELIMITER) as i8);
  const newline = i8x16.splat(10);
  const index = load<u32>(state, P_INDEX) as usize;
  let p = load<u32>(state, P_SCAN) as usize;
  let inside: u64 = load<u32>(state, P_PARITY) ? -1 : 0;
  let out = index;
  while (out == index && p < end) {
    const stop = min(p + INDEX_BLOCK, end);
    while (p < stop) {
      const q = bytesEqual(p, quote) & quotes;
      let m = bytesEqual(p, delimiter) | bytesEqual(p, newline);
      if (q) {
        inside ^= prefixXor(q);
        m = (m & ~inside) | q;
        inside = ((inside as i64) >> 63) as u64;
      } else m &= ~inside;
      if (end - p < 64) m &= ((1 as u64) << ((end - p) as u64)) - 1;
      const count = popcnt(m) as u32;
      let o = out;
      out += count << 2;
      // four at a time: what is written too much is overwritten by the next
      while (o < out) {
        store<u32>(o, (p + (ctz(m) as usize)) as u32);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 4);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 8);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 12);
        m &= m - 1;
        o += 16;
      }
      p += 64;
    }
  }
  if (p >= end) {
    p = end;
    store<u32>(out, end as u32);
    out += 4;
  }
  store<u32>(state, p as u32, P_SCAN);
  store<u32>(state, inside ? 1 : 0, P_PARITY);
  store<u32>(state, index as u32, P_NEXT);
  store<u32>(state, out as u32, P_LAST);
}

/**
 * Parses rows into the columns until the text ends (PARSE_DONE), P_MAX_ROWS are there (PARSE_MORE), a row is bad
 * (PARSE_BAD, P_BAD_*) or a column is full (PARSE_GROW, P_GROW_*). P_ROWS says how many rows the columns hold. The next
 * call begins with row 0 of the columns again, except after PARSE_GROW, where `resume` 1 keeps the rows and goes on.
 */
export function csvParse(state: usize, resume: u32): u32 {
  const end = load<u32>(state, P_END) as usize;
  const cells = load<u32>(state, P_CELLS) as usize;
  const cellsEnd = cells + (load<u32>(state, P_CELL_COUNT) as usize) * CELL_BYTES;
  const inferring = load<u32>(cells, L_OP) == OP_INFER;
  const maxRows = load<u32>(state, P_MAX_ROWS);
  const maxRowBytes = load<u32>(state, P_MAX_ROW_BYTES);
  const quote = load<u32>(state, P_QUOTE);
  const blankRows = load<u32>(state, P_BLANK_ROWS);
  const nullLengths = load<u32>(state, P_NULL_LENGTHS);
  const quotedNullLengths = load<u32>(state, P_QUOTED_NULLS) ? nullLengths : 0;
  const absent = load<u32>(state, P_ABSENT) as usize;
  const absentEnd = absent + ((load<u32>(state, P_ABSENT_COUNT) as usize) << 2);
  let next = load<u32>(state, P_NEXT) as usize;
  let last = load<u32>(state, P_LAST) as usize;
  let rowStart = load<u32>(state, P_ROW) as usize;
  let row = resume ? load<u32>(state, P_ROWS) : 0;
  if (!resume) openColumns(state);
  let status = PARSE_MORE;

  while (row < maxRows) {
    if (rowStart >= end) {
      status = PARSE_DONE;
      break;
    }
    let bad: u32 = 0;
    let cell = cells;
    let start = rowStart; // the cell as written begins here
    let pos: usize = 0; // and ends here, or something is wrong here
    let s = start; // its content is [s, e)
    let e = s;
    for (;;) {
      if (next == last) {
        indexMore(state);
        next = load<u32>(state, P_NEXT);
        last = load<u32>(state, P_LAST);
      }
      pos = load<u32>(next);
      next += 4;
      let b = load<u8>(pos) as u32;
      let escapes: u32 = 0;
      let lengths = nullLengths;
      if (b == quote) {
        if (pos != start) {
          bad = BAD_STRAY_QUOTE;
          break;
        }
        s = pos + 1;
        lengths = quotedNullLengths;
        for (;;) {
          if (next == last) {
            indexMore(state);
            next = load<u32>(state, P_NEXT);
            last = load<u32>(state, P_LAST);
          }
          e = load<u32>(next); // in quotes the index holds quotes only, and the end of the text
          next += 4;
          if (e >= end) {
            bad = BAD_OPEN_QUOTE;
            pos = e;
            break;
          }
          if (next == last) {
            indexMore(state);
            next = load<u32>(state, P_NEXT);
            last = load<u32>(state, P_LAST);
          }
          pos = load<u32>(next);
          next += 4;
          b = load<u8>(pos);
          if (pos == e + 1) {
            if (b != quote) break;
            escapes++;
          } else {
            if (pos != e + 2 || b != 10 || load<u8>(e + 1) != 13) bad = BAD_AFTER_QUOTE;
            break;
          }
        }
        if (bad) break;
      } else {
        s = start;
        e = pos;
        if (b == 10) {
          if (e > s && load<u8>(e - 1) == 13) e--;
          if (s == e && cell == cells && !blankRows) break; // a blank line
        }
      }
      if (cell == cellsEnd) {
        bad = BAD_MANY;
        break;
      }
      const column = load<u32>(cell, L_COLUMN) as usize;
      const length = (e - s) as u32;
      switch (load<u32>(cell, L_OP)) {
        case OP_SKIP:
          break;
        case OP_INT: {
          const at = (load<u32>(column, C_VALUES) as usize) + ((row as usize) << 3);
          if ((lengths >>> min(length, 31)) & 1 || !plainInt(s, e, at)) {
            bad = numberCell(state, column, row, s, e, lengths);
          }
          break;
        }
        case OP_FLOAT: {
          const at = (load<u32>(column, C_VALUES) as usize) + ((row as usize) << 2);
          if ((lengths >>> min(length, 31)) & 1 || !plainFloat(s, e, at)) {
            bad = numberCell(state, column, row, s, e, lengths);
          }
          break;
        }
        case OP_BYTES: {
          if ((lengths >>> min(length, 31)) & 1 && isNullToken(state, s, length)) {
            bad = missingCell(state, column, row);
            break;
          }
          const offsets = (load<u32>(column, C_OFFSETS) as usize) + ((row as usize) << 2);
          const used = load<u32>(offsets);
          const need = used + length;
          if (need > load<u32>(column, C_VALUES_CAP)) {
            bad = needRoom(state, column, need, 0);
            break;
          }
          const to = (load<u32>(column, C_VALUES) as usize) + used;
          if (escapes == 0) {
            for (let i: usize = 0; i < length; i += 16) v128.store(to + i, v128.load(s + i));
            store<u32>(offsets, need, 4);
          } else store<u32>(offsets, used + copyCell(to, s, e, quote), 4);
          break;
        }
        case OP_LIST:
          bad = listCell(state, cell, column, row, s, e, quote, lengths);
          break;
        default: // OP_INFER: once the row is known to be whole
          store<u32>(cell, s as u32, L_START);
          store<u32>(cell, e as u32, L_END);
          store<u32>(cell, s != start ? 1 : 0, L_QUOTED);
      }
      if (bad) break;
      cell += CELL_BYTES;
      if (b == 10) {
        if (cell != cellsEnd) bad = BAD_FEW;
        break;
      }
      start = pos + 1;
    }

    if (bad == 0) {
      if (cell == cells) {
        rowStart = pos + 1;
        continue;
      }
      for (let a = absent; a < absentEnd; a += 4) {
        if (bad == 0) bad = missingCell(state, load<u32>(a), row);
      }
      if ((pos - rowStart) as u32 > maxRowBytes) bad = BAD_ROW_BYTES;
      if (bad == 0) {
        if (inferring) inferRow(state, cells, cellsEnd, rowStart);
        rowStart = pos + 1;
        row++;
        continue;
      }
    }
    if (bad == BAD_GROW) {
      // again from the start of this row, once there is room
      store<u32>(state, rowStart as u32, P_SCAN);
      store<u32>(state, 0, P_PARITY);
      next = last;
      status = PARSE_GROW;
      break;
    }
    store<u32>(state, next as u32, P_NEXT);
    store<u32>(state, last as u32, P_LAST);
    rowStart = badRow(state, bad, (cell - cells) as u32 / CELL_BYTES, rowStart, bad >= BAD_INT ? s : start, pos, e);
    next = load<u32>(state, P_NEXT);
    last = load<u32>(state, P_LAST);
    status = PARSE_BAD;
    break;
  }
  store<u32>(state, rowStart as u32, P_ROW);
  store<u32>(state, next as u32, P_NEXT);
  store<u32>(state, last as u32, P_LAST);
  store<u32>(state, row, P_ROWS);
  closeColumns(state, row);
  return status;
}

/**
 * Reports a bad row: runs on to its end, counts its cells, and returns where the next row begins. `cell` cells were read
 * without fault, the next begins at `start` (a bad value: its content) and its content ends at `e`; `pos` is the last position taken from the index.
 * Where the number of cells is wrong too, that is the error: it explains the other. Quotes come before both.
 */
function badRow(state: usize, bad: u32, cell: u32, rowStart: usize, start: usize, pos: usize, e: usize): usize {
  const end = load<u32>(state, P_END) as usize;
  const delimiter = load<u32>(state, P_DELIMITER);
  const wanted = load<u32>(state, P_CELL_COUNT);
  let count = bad == BAD_FEW || bad == BAD_ROW_BYTES ? cell : cell + 1;
  let next = load<u32>(state, P_NEXT) as usize;
  let last = load<u32>(state, P_LAST) as usize;
  // where the fault lies; quoting faults reach to the end of the cell, which TypeScript looks for
  const fault = bad == BAD_STRAY_QUOTE ? pos : bad == BAD_AFTER_QUOTE ? e + 1 : e;
  for (;;) {
    const b = load<u8>(pos) as u32;
    if (pos >= end || b == 10) break;
    if (b == delimiter) count++;
    if (next == last) {
      indexMore(state);
      next = load<u32>(state, P_NEXT);
      last = load<u32>(state, P_LAST);
    }
    pos = load<u32>(next);
    next += 4;
  }
  if (bad >= BAD_INT && bad <= BAD_LIST) {
    if (count < wanted) bad = BAD_FEW;
    else if (count > wanted) bad = BAD_MANY;
  }
  if ((pos - rowStart) as u32 > load<u32>(state, P_MAX_ROW_BYTES)) bad = BAD_ROW_BYTES;
  store<u32>(state, bad, P_BAD_CODE);
  store<u32>(state, cell, P_BAD_CELL);
  store<u32>(state, start as u32, P_BAD_START);
  store<u32>(state, fault as u32, P_BAD_END);
  store<u32>(state, rowStart as u32, P_BAD_ROW);
  store<u32>(state, pos as u32, P_BAD_ROW_END);
  store<u32>(state, count, P_BAD_COUNT);
  store<u32>(state, next as u32, P_NEXT);
  store<u32>(state, last as u32, P_LAST);
  return pos + 1;
}
