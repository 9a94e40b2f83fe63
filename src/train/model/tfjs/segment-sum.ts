import type * as tfjs from '@tensorflow/tfjs';
import { elementsOf } from '../../parameters.js';

/** What the WASM backend offers of its memory. */
interface Backend {
  readSync(data: object): Float32Array | Int32Array;
  write(values: Float32Array, shape: number[], type: 'float32'): object;
}

interface Input {
  readonly shape: number[];
  readonly dataId: object;
}

/** Registers the gradient of gather, that is of embeddings, with the WASM backend, which has none. Twice is fine. */
export function registerSegmentSum(tf: typeof tfjs): void {
  if (tf.getKernel('UnsortedSegmentSum', 'wasm') != null) return;
  tf.registerKernel({
    kernelName: 'UnsortedSegmentSum',
    backendName: 'wasm',
    kernelFunc(call) {
      const { x, segmentIds } = call.inputs as unknown as { x: Input; segmentIds: Input };
      const { numSegments } = call.attrs as unknown as { numSegments: number };
      const backend = call.backend as Backend;
      const values = backend.readSync(x.dataId);
      const segments = backend.readSync(segmentIds.dataId);
      const shape = [numSegments, ...x.shape.slice(segmentIds.shape.length)];
      const width = elementsOf(shape.slice(1));
      const sums = new Float32Array(numSegments * width);
      for (const [row, segment] of segments.entries()) {
        // As TensorFlow: what is in no segment is left out.
        if (segment < 0 || segment >= numSegments) continue;
        for (let j = 0; j < width; j++) {
          sums[segment * width + j] = sums[segment * width + j]! + values[row * width + j]!;
        }
      }
      return { dataId: backend.write(sums, shape, 'float32'), shape, dtype: 'float32' };
    },
  });
}
