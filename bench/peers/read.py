#!/usr/bin/env python3
"""read.py MODE SHAPE FOLDER [COLUMN,...]: part files become batches of 1024 rows, parsed, both CRCs checked.

vec_best  tf.data at its best: batch and parse inside the interleave, one hand-over between threads a batch
shuffle   records interleaved, shuffle(10000), batch, parse_example: what a training job with shuffling does
COLUMNs restrict what is parsed.
tf.data's autotuner may block for seconds when an iterator ends, so time is taken at the last batch.
"""
import os
import sys

from common import Clock, columns_of, size_of

import tensorflow as tf

BATCH = 1024
mode, shape, folder = sys.argv[1:4]
wanted = sys.argv[4].split(',') if len(sys.argv) > 4 else None
types = {'int': (tf.int64, 0), 'float': (tf.float32, 0.0), 'str': (tf.string, '')}
columns = [(name, kind) for name, kind in columns_of(shape) if wanted is None or name in wanted]
spec = {name: tf.io.FixedLenFeature([], types[kind][0], types[kind][1]) for name, kind in columns}
AUTOTUNE = tf.data.AUTOTUNE


def parse(records):
    return tf.io.parse_example(records, spec)


def parsed_part(path):
    return tf.data.TFRecordDataset(path, buffer_size=1 << 20).batch(BATCH).map(parse)


clock = Clock()
files = tf.data.Dataset.list_files(os.path.join(folder, 'part*'), shuffle=False)
if mode == 'vec_best':
    dataset = files.interleave(parsed_part, cycle_length=4, num_parallel_calls=AUTOTUNE, deterministic=False)
elif mode == 'shuffle':
    records = files.interleave(tf.data.TFRecordDataset, cycle_length=4, num_parallel_calls=AUTOTUNE)
    dataset = records.shuffle(10_000, seed=1).batch(BATCH).map(parse, num_parallel_calls=AUTOTUNE)
else:
    raise SystemExit(f'unknown mode {mode}')
rows = 0
first = columns[0][0]
for batch in dataset.prefetch(AUTOTUNE):
    rows += int(batch[first].shape[0])
    clock.lap()
clock.report(rows, size_of(folder))
