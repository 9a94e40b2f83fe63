import { tableLines } from './table.js';

const VALUES_SHOWN = 8;

/** Records as `recordToJson` gives them, as a table with a column for each feature in the order of appearance. */
export function recordTable(records: readonly string[], options: { width?: number }): string[] {
  const rows = records.map((record) => flatten(JSON.parse(record) as Record<string, unknown>));
  const titles = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  if (titles.length === 0) return [];
  const numeric = (title: string): boolean => rows.every((row) => typeof (row.get(title) ?? 0) === 'number');
  const columns = titles.map((title) => ({ title, align: numeric(title) ? ('right' as const) : ('left' as const) }));
  const cells = rows.map((row) => titles.map((title) => cellText(row.get(title))));
  return tableLines(columns, cells, { ...options, cellWidth: 32 });
}

/** The features of a SequenceExample's context and lists stand side by side; the steps of a list are marked by its name. */
function flatten(record: Record<string, unknown>): Map<string, unknown> {
  const { context, featureLists } = record;
  if (!isObject(context) || !isObject(featureLists)) return new Map(Object.entries(record));
  const lists = Object.entries(featureLists).map(([name, steps]) => [`${name}[]`, steps] as const);
  return new Map<string, unknown>([...Object.entries(context), ...lists]);
}

export function cellText(value: unknown): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) {
    const shown = value.slice(0, VALUES_SHOWN).map(cellText);
    return `[${shown.join(', ')}${value.length > VALUES_SHOWN ? `, ... ${value.length} in all` : ''}]`;
  }
  if (isObject(value)) return `(${Buffer.from(String(value.base64), 'base64').length} bytes)`;
  return String(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
