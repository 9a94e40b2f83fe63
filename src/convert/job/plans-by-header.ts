import type { CsvFile } from './csv-files.js';

/** One plan for each distinct header of the files. */
export class PlansByHeader<P> {
  readonly list: P[] = [];
  readonly #indices = new Map<string, number>();

  constructor(files: readonly CsvFile[], make: (file: CsvFile) => P) {
    for (const file of files) {
      const key = keyOf(file);
      if (this.#indices.has(key)) continue;
      this.#indices.set(key, this.list.length);
      this.list.push(make(file));
    }
  }

  indexOf(file: CsvFile): number {
    return this.#indices.get(keyOf(file))!;
  }
}

function keyOf({ names }: CsvFile): string {
  return JSON.stringify(names);
}
