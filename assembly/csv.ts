// CSV rows to columns. The structural scan (csv-index.ts) gives the positions of quotes, delimiters and newlines; cells lie
// between them. plainCells takes the cells that are written in the plainest way, everyCell all others. Rows end by quote
// parity alone, so a malformed row never changes where other rows begin.
import { closeColumns, markCells, missingCell, openColumns } from './csv-cells';
import { CELL_BAD, CELL_LAST, CELL_TAKEN, everyCell } from './csv-every-cell';
import { nextPosition } from './csv-index';
import { inferKinds, inferRow } from './csv-infer';
import { AT_END, AT_FULL, AT_ROW, openCells, plainCells } from './csv-plain-cells';
import {
  BAD_FEW,
  BAD_GROW,
  BAD_INT,
  BAD_LIST,
  BAD_MANY,
  BAD_ROW_BYTES,
  CELL_BYTES,
  INFER_KINDS,
  L_OP,
  PARSE_BAD,
  PARSE_DONE,
  PARSE_GROW,
  PARSE_MORE,
  P_ABSENT,
  P_ABSENT_COUNT,
  P_BAD_CELL,
  P_BAD_CODE,
  P_BAD_COUNT,
  P_BAD_ROW,
  P_BAD_ROW_END,
  P_CELL,
  P_CELLS,
  P_CELL_COUNT,
  P_DELIMITER,
  P_END,
  P_INFER,
  P_LAST,
  P_MAX_ROWS,
  P_MAX_ROW_BYTES,
  P_NEXT,
  P_OPEN,
  P_PARITY,
  P_POSITION,
  P_ROW,
  P_ROWS,
  P_SCAN,
  P_START,
} from './csv-state';

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
  const infer = load<u32>(state, P_INFER);
  if (infer) {
    const cells = load<u32>(state, P_CELLS) as usize;
    if (infer == INFER_KINDS) inferKinds(state, cells, load<u32>(state, P_CELL), rowStart);
    else inferRow(state, cells, load<u32>(state, P_CELL), rowStart);
  }
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
