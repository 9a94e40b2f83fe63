export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/**
 * Lines of a table with a title line. Cells are cut at `cellWidth` columns of the terminal; columns that do not fit into
 * `width` are left away and counted in a last line.
 */
export function tableLines(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  options: { width?: number; cellWidth?: number } = {},
): string[] {
  const { width = Number.POSITIVE_INFINITY, cellWidth = 40 } = options;
  const cells = [columns.map(({ title }) => title), ...rows].map((row) =>
    columns.map((_, i) => clip(printable(row[i] ?? ''), cellWidth)),
  );
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => displayWidth(row[i]!))));
  let shown = 0;
  for (let used = 0; shown < columns.length; shown++) {
    used += widths[shown]! + (shown === 0 ? 0 : GAP.length);
    if (used > width && shown > 0) break;
  }
  const lines = cells.map((row) =>
    row
      .slice(0, shown)
      .map((cell, i) => pad(cell, widths[i]!, columns[i]!.align))
      .join(GAP)
      .trimEnd(),
  );
  const hidden = columns.length - shown;
  return hidden === 0 ? lines : [...lines, `(${hidden} more columns: ${nameSome(columns.slice(shown))})`];
}

function nameSome(columns: readonly TableColumn[]): string {
  const names = columns.slice(0, 8).map(({ title }) => printable(title));
  return columns.length > names.length ? `${names.join(', ')}, ...` : names.join(', ');
}

function pad(text: string, width: number, align: TableColumn['align']): string {
  const space = ' '.repeat(width - displayWidth(text));
  return align === 'right' ? space + text : text + space;
}

/** Control characters as escapes: what is in the data must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (char) => {
    const known: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
    return known[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let clipped = '';
  let used = 1;
  for (const char of text) {
    used += charWidth(char);
    if (used > width) break;
    clipped += char;
  }
  return `${clipped}…`;
}

/** Columns of a terminal that a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

function charWidth(char: string): number {
  if (char < '\u0300') return 1;
  if (/\p{Mark}|[\u200b-\u200d\ufeff]/u.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}
