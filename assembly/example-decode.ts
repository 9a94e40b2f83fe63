// tf.train.Example records to columns: predicted entries by example-predict, all others by example-parse.
// src/records/example-columns.ts is the twin.
import {
  C_HAS_DEFAULT,
  C_KIND,
  C_NULLABLE,
  C_OFFSETS,
  C_USED_ITEMS,
  C_USED_VALUES,
  C_VALIDITY,
  C_VALUES,
  C_VALUES_CAP,
  COLUMN_BYTES,
  KIND_BYTES,
} from './column';
import { fillAbsent, rowStart } from './example-append';
import {
  ABSENT,
  LEARN,
  MALFORMED,
  Now,
  OK,
  OP_LIST,
  P_COUNT,
  P_KIND,
  S_COLUMN,
  S_OFFSETS,
  S_OP,
  S_PLAIN_NULL,
  S_VALIDITY,
  S_VALUES,
  S_VALUES_CAP,
  SLOT_BYTES,
  WRONG_COUNT,
  WRONG_KIND,
  X_BASE,
  X_COLUMN,
  X_COLUMN_COUNT,
  X_COLUMNS,
  X_END,
  X_FOUND,
  X_LENGTHS,
  X_NEXT,
  X_OFFSETS,
  X_PATIENCE,
  X_POSITION,
  X_ROW,
  X_ROW_END,
  X_SLOT_COUNT,
  X_SLOTS,
} from './example-context';
import { parseEntry } from './example-parse';
import { finishPassed, passOver, takePredicted } from './example-predict';
import { hashKey, lengthAt, skipField, tagAt } from './example-wire';

/** A Features message [q, end). */
function parseFeatures(q: usize, end: usize): bool {
  Now.predicted = load<u32>(Now.ctx, X_SLOTS) as usize;
  const slotEnd = Now.predicted + (load<u32>(Now.ctx, X_SLOT_COUNT) as usize) * SLOT_BYTES;
  while (q < end) {
    q = takePredicted(q, end, slotEnd);
    if (Now.status != OK) return false;
    if (q >= end) break;
    Now.surprise = true;
    q = tagAt(q, end);
    if (q == 0) return false;
    const tag = Now.value as u32;
    if (tag == 10) {
      q = lengthAt(q, end);
      if (q == 0) return false;
      const next = q + (Now.value as usize);
      if (!parseEntry(q, next)) return false;
      q = next;
    } else {
      q = skipField(q, end, tag);
      if (q == 0) return false;
    }
  }
  if (Now.seen < load<u32>(Now.ctx, X_COLUMN_COUNT)) passOver(Now.predicted, slotEnd);
  return true;
}

function parseExample(q: usize, end: usize): bool {
  while (q < end) {
    q = tagAt(q, end);
    if (q == 0) return false;
    const tag = Now.value as u32;
    if (tag == 10) {
      q = lengthAt(q, end);
      if (q == 0) return false;
      const next = q + (Now.value as usize);
      if (!parseFeatures(q, next)) return false;
      q = next;
      // Another Features message may set again what this one has set.
      if (q < end) Now.surprise = true;
    } else {
      Now.surprise = true;
      q = skipField(q, end, tag);
      if (q == 0) return false;
    }
  }
  return true;
}

/** Judges the columns that the record did not set, in their order. */
function finishRow(blank: bool): void {
  const columns = load<u32>(Now.ctx, X_COLUMNS) as usize;
  const count = load<u32>(Now.ctx, X_COLUMN_COUNT);
  // First the errors: what is filled below must not be seen as set when the record is tried again.
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    if (load<u8>((load<u32>(column, C_VALIDITY) as usize) + Now.row) != 0) continue;
    const kind = blank ? 0 : load<u32>(column, P_KIND);
    if (kind == 0) {
      if (!blank && load<u32>(column, C_HAS_DEFAULT) == 0 && load<u32>(column, C_NULLABLE) == 0) Now.status = ABSENT;
    } else if (kind != load<u32>(column, C_KIND) + 1) {
      Now.status = WRONG_KIND;
      store<u32>(Now.ctx, kind - 1, X_FOUND);
    } else {
      Now.status = WRONG_COUNT;
      store<u32>(Now.ctx, load<u32>(column, P_COUNT), X_FOUND);
    }
    if (Now.status != OK) {
      store<u32>(Now.ctx, c, X_COLUMN);
      return;
    }
  }
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    if (load<u8>((load<u32>(column, C_VALIDITY) as usize) + Now.row) == 0 && !fillAbsent(column, blank)) return;
  }
}

/** Marks all columns as not set in the current row and those behind it. */
function openRows(rows: u32): void {
  const columns = load<u32>(Now.ctx, X_COLUMNS) as usize;
  const count = load<u32>(Now.ctx, X_COLUMN_COUNT);
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    memory.fill((load<u32>(column, C_VALIDITY) as usize) + Now.row, 0, rows);
  }
  forgetKinds();
}

function forgetKinds(): void {
  const columns = load<u32>(Now.ctx, X_COLUMNS) as usize;
  const count = load<u32>(Now.ctx, X_COLUMN_COUNT);
  for (let c: u32 = 0; c < count; c++) store<u32>(columns + (c as usize) * COLUMN_BYTES, 0, P_KIND);
}

/** Copies the columns' addresses, which growing moves, into the slots. */
function refreshSlots(): void {
  let covered: u32 = 0;
  const slots = load<u32>(Now.ctx, X_SLOTS) as usize;
  const end = slots + (load<u32>(Now.ctx, X_SLOT_COUNT) as usize) * SLOT_BYTES;
  for (let slot = slots; slot < end; slot += SLOT_BYTES) {
    const column = load<u32>(slot, S_COLUMN) as usize;
    if (column == 0) continue;
    store<u32>(slot, load<u32>(column, C_VALUES), S_VALUES);
    store<u32>(slot, load<u32>(column, C_VALUES_CAP), S_VALUES_CAP);
    store<u32>(slot, load<u32>(column, C_OFFSETS), S_OFFSETS);
    store<u32>(slot, load<u32>(column, C_VALIDITY), S_VALIDITY);
    const single = load<u32>(slot, S_OP) != OP_LIST;
    const plainNull = single && load<u32>(column, C_NULLABLE) != 0 && load<u32>(column, C_HAS_DEFAULT) == 0;
    store<u32>(slot, plainNull ? 1 : 0, S_PLAIN_NULL);
    covered++;
  }
  Now.complete = covered == load<u32>(Now.ctx, X_COLUMN_COUNT);
}

/** Writes how much of each column is in use. */
function closeColumns(): void {
  const columns = load<u32>(Now.ctx, X_COLUMNS) as usize;
  const count = load<u32>(Now.ctx, X_COLUMN_COUNT);
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    const start = rowStart(column);
    if (load<u32>(column, C_KIND) == KIND_BYTES) {
      store<u32>(column, start, C_USED_ITEMS);
      store<u32>(column, load<u32>((load<u32>(column, C_OFFSETS) as usize) + ((start as usize) << 2)), C_USED_VALUES);
    } else {
      store<u32>(column, start, C_USED_VALUES);
    }
  }
}

/**
 * Decodes records X_NEXT .. X_END into rows from X_ROW, until one of them or the rows end, or a status wants attention.
 * The record that a status speaks of is X_NEXT and has left no trace; after LEARN it is the one before.
 */
export function decodeExamples(context: usize): u32 {
  Now.ctx = context;
  Now.row = load<u32>(Now.ctx, X_ROW);
  Now.status = OK;
  const base = load<u32>(Now.ctx, X_BASE) as usize;
  const offsets = load<u32>(Now.ctx, X_OFFSETS) as usize;
  const lengths = load<u32>(Now.ctx, X_LENGTHS) as usize;
  const rowEnd = load<u32>(Now.ctx, X_ROW_END);
  const end = load<u32>(Now.ctx, X_END);
  const columnCount = load<u32>(Now.ctx, X_COLUMN_COUNT);
  let next = load<u32>(Now.ctx, X_NEXT);
  openRows(min(rowEnd - Now.row, end - next));
  refreshSlots();
  while (next < end && Now.row < rowEnd) {
    const p = base + load<u32>(offsets + ((next as usize) << 2));
    const length = load<u32>(lengths + ((next as usize) << 2)) as usize;
    Now.seen = 0;
    Now.passed = 0;
    Now.odd = false;
    Now.surprise = false;
    if (!parseExample(p, p + length)) {
      if (Now.status == MALFORMED) store<u32>(Now.ctx, load<u32>(Now.ctx, X_POSITION) - (p as u32), X_POSITION);
      break;
    }
    if (Now.seen < columnCount || Now.odd) {
      if (Now.surprise || Now.odd || !Now.complete || !finishPassed()) {
        if (Now.status == OK) finishRow(false);
      }
      if (Now.status != OK) break;
    }
    Now.row++;
    next++;
    if (Now.surprise) {
      // Only the general parser leaves traces in P_KIND.
      forgetKinds();
      const patience = load<u32>(Now.ctx, X_PATIENCE);
      if (patience <= 1) {
        Now.status = LEARN;
        break;
      }
      store<u32>(Now.ctx, patience - 1, X_PATIENCE);
    }
  }
  store<u32>(Now.ctx, next, X_NEXT);
  store<u32>(Now.ctx, Now.row, X_ROW);
  closeColumns();
  return Now.status;
}

/** Fills row X_ROW for a record that was lost: defaults, else nulls, else zeros. */
export function decodeBlank(context: usize): u32 {
  Now.ctx = context;
  Now.row = load<u32>(Now.ctx, X_ROW);
  Now.status = OK;
  openRows(1);
  finishRow(true);
  if (Now.status == OK) store<u32>(Now.ctx, ++Now.row, X_ROW);
  closeColumns();
  return Now.status;
}

/** The hash by which a column's key is found. */
export function exampleKeyHash(key: usize, length: u32): u32 {
  return hashKey(key, length);
}
