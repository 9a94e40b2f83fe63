import { mapOrdered } from '../../dataset/map-ordered.js';
import { throwIfAborted } from '../../errors.js';
import {
  badRowError,
  type CsvOptions,
  concludeInference,
  type Inference,
  type InferenceOptions,
  mergeInference,
} from '../csv/index.js';
import type { InferenceDetail } from '../csv/inferrer.js';
import type { Progress } from '../options.js';
import { inferCompute, withCompute } from './compute.js';
import type { CsvText, FileChunk } from './csv-text.js';
import { PlansByHeader } from './plans-by-header.js';

export interface InferCsvOptions extends Omit<InferenceOptions, 'rename' | 'drop'> {
  readonly csv: CsvOptions;
  /** `kinds`: the schema is all that counts. Its features are not nullable, and the reports lack all numbers. */
  readonly detail: InferenceDetail;
  /** Look at this many rows only. Default: all. */
  readonly rows?: number | undefined;
  /** Leave bad rows out instead of throwing at the first. */
  readonly skipBad: boolean;
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Looks at all rows, or the first ones, and concludes the narrowest schema that fits them. @throws SHARDFEED_CSV_ROW */
export async function inferCsv(text: CsvText, options: InferCsvOptions): Promise<Inference> {
  const { signal, skipBad, onProgress, csv } = options;
  const plans = new PlansByHeader(text.files, (file) => text.rowPlan(file));
  const threads = options.rows === undefined ? options.threads : 0;
  return withCompute(inferCompute({ rows: plans.list, detail: options.detail }, threads), signal, async (compute) => {
    let left = options.rows ?? Number.POSITIVE_INFINITY;
    let rows = 0;
    let bytes = 0;
    const work = async (chunk: FileChunk) => {
      const { firstRow, firstLine, file } = chunk;
      const place = { path: file.uri, firstRow, firstLine };
      const some = left === Number.POSITIVE_INFINITY ? {} : { maxRows: left };
      return {
        chunk,
        found: await compute.run({ kind: 'infer', plan: plans.indexOf(file), bytes: chunk.bytes, place, ...some }),
      };
    };
    for await (const { chunk, found } of mapOrdered(text.chunks(text.spare), work, compute.width)) {
      throwIfAborted(signal);
      if (found.bad.length > 0 && !skipBad) throw badRowError(found.bad[0]!, { ...chunk, path: chunk.file.uri });
      text.spare.give(chunk.bytes.buffer as SharedArrayBuffer);
      rows += found.rows;
      bytes += chunk.length;
      onProgress?.({ phase: 'infer', rows, bytes, totalBytes: text.totalBytes });
      left -= found.rows;
      if (left <= 0) break;
    }
    const states = (await compute.runOnAll({ kind: 'take' })).flatMap((result) => result.state ?? []);
    const { rename, drop } = csv;
    return concludeInference(states.reduce(mergeInference, emptyState(text)), {
      rename,
      drop,
      kinds: options.kinds,
      labels: options.labels,
    });
  });
}

/** Of no rows: the columns stand as in the first file, whatever file and thread the others come from. */
function emptyState(text: CsvText) {
  const columns = text.files[0]!.names.map((name) => ({ name, first: [], nulls: 0, blankNulls: 0 }));
  return { rows: 0, columns };
}
