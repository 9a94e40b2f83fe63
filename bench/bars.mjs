// What shardfeed must reach, as ratios within one run. `bar` must hold, `goal` is what we aim at; `cpuBar` is the least
// ratio of what a second of CPU does.
const perShape = (make) => ['titanic', 'criteo', 'dense'].map(make);

export const BARS = {
  convert: [
    ...perShape((shape) => ({ shape, cores: 1, ours: 'shardfeed', peer: 'pandas + Example', bar: 40, goal: 60 })),
    ...perShape((shape) => ({ shape, cores: 1, ours: 'shardfeed infer', peer: 'shardfeed', bar: 0.5 })),
    ...perShape((shape) => ({ shape, cores: 2, ours: 'shardfeed', peer: 'shardfeed', peerCores: 1, bar: 1.7 })),
  ],
  read: [
    ...perShape((shape) => ({ shape, cores: 1, ours: 'shardfeed', peer: 'tf.data vec_best', bar: 5, goal: 8 })),
    ...perShape((shape) => ({ shape, cores: 1, ours: 'shardfeed', peer: 'protobufjs', bar: 12, goal: 18 })),
    { shape: 'criteo', cores: 1, ours: 'shardfeed 3 columns', peer: 'shardfeed', bar: 1 },
    ...perShape((shape) => ({ shape, cores: 1, ours: 'shardfeed batches', peer: 'tf.data vec_best', bar: 5, goal: 8 })),
    ...perShape((shape) => {
      return { shape, cores: 1, ours: 'shardfeed batches shuffled', peer: 'shardfeed batches', bar: 0.7 };
    }),
    ...perShape((shape) => {
      return { shape, cores: 1, ours: 'shardfeed batches shuffled', peer: 'tf.data shuffle(10000)', bar: 5 };
    }),
    { shape: 'criteo', cores: 1, ours: 'shardfeed batches 3 columns', peer: 'shardfeed batches', bar: 1 },
  ],
  train: [
    { shape: 'titanic', cores: 2, ours: 'shardfeed', peer: 'Keras', bar: 1 },
    { shape: 'titanic', cores: 2, ours: 'shardfeed, 1 thread reads', peer: 'Keras', bar: 1 },
    { shape: 'titanic', cores: 1, ours: 'shardfeed', peer: 'Keras', peerCores: 2, bar: 1 },
    { shape: 'titanic', cores: 2, ours: 'shardfeed 2 workers', peer: 'MultiWorkerMirrored 2 workers', bar: 5 },
  ],
  hdfs: [
    { shape: 'get', cores: 2, ours: 'shardfeed', peer: 'curl', bar: 0.8, cpuBar: 1 / 1.3 },
    { shape: 'put', cores: 2, ours: 'shardfeed', peer: 'curl', bar: 0.8, cpuBar: 1 / 1.3 },
    { shape: '50 ms away', cores: 2, ours: '4 at a time', peer: '1 at a time', bar: 3 },
  ],
  // Of times, so less is better.
  allreduce: [
    { size: '1 KB', ranks: 2, ours: 'shardfeed shm', peer: 'torch gloo', bar: 1 },
    { size: '25 MB', ranks: 2, ours: 'shardfeed shm', peer: 'torch gloo', bar: 0.6 },
    { size: '25 MB', ranks: 4, ours: 'shardfeed shm', peer: 'torch gloo', bar: 0.6 },
    { size: '25 MB', ranks: 2, ours: 'shardfeed tcp', peer: 'torch gloo', bar: 1.5 },
    { size: '25 MB', ranks: 4, ours: 'shardfeed tcp', peer: 'torch gloo', bar: 1.5 },
  ],
};

/** Peak memory of the process tree of a conversion, whatever the size of the input. */
export const MEMORY_BAR_BYTES = 300e6;
