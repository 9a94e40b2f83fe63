#!/usr/bin/env python3
"""convert.py MODE SHAPE CSV FOLDER: a CSV becomes 4 part files of tf.train.Example.

pandas      read_csv of the whole file, to_dict('records'), one tf.train.Feature a cell: what tf2-onspark does
decode_csv  tf.data reads, cuts and parses lines in batches of 1024; Examples are built one by one from its columns
Files have names like ours, records are dealt round-robin; imports are not timed, everything else is.
"""
import os
import shutil
import sys

from common import PARTS, Clock, columns_of, size_of

import pandas as pd
import tensorflow as tf

mode, shape, source, folder = sys.argv[1:]
columns = columns_of(shape)
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)

train = tf.train
MAKE = {
    'int': lambda v: train.Feature(int64_list=train.Int64List(value=[v])),
    'float': lambda v: train.Feature(float_list=train.FloatList(value=[v])),
    'str': lambda v: train.Feature(bytes_list=train.BytesList(value=[v.encode() if isinstance(v, str) else v])),
}
makers = [(name, MAKE[kind]) for name, kind in columns]


def serialize(values):
    features = {name: make(value) for (name, make), value in zip(makers, values)}
    return train.Example(features=train.Features(feature=features)).SerializeToString()


def rows_of_pandas():
    table = pd.read_csv(source, dtype={name: 'str' for name, kind in columns if kind == 'str'})
    for name, kind in columns:
        column = table[name]
        table[name] = (
            column.fillna('') if kind == 'str' else column.fillna(0).astype('int64' if kind == 'int' else 'float32')
        )
    names = [name for name, _ in columns]
    for row in table.to_dict('records'):
        yield [row[name] for name in names]


def rows_of_decode_csv():
    types = {'int': (0, tf.int64), 'float': (0.0, tf.float32), 'str': ('', tf.string)}
    defaults = [tf.constant([types[kind][0]], types[kind][1]) for _, kind in columns]
    lines = tf.data.TextLineDataset(source).skip(1).batch(1024)
    batches = lines.map(lambda l: tuple(tf.io.decode_csv(l, defaults)), num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)
    for batch in batches.as_numpy_iterator():
        yield from zip(*(column.tolist() for column in batch))
        clock.lap()


clock = Clock()
writers = [tf.io.TFRecordWriter(os.path.join(folder, f'part-r-{i:05d}')) for i in range(PARTS)]
rows = 0
for values in {'pandas': rows_of_pandas, 'decode_csv': rows_of_decode_csv}[mode]():
    writers[rows % PARTS].write(serialize(values))
    rows += 1
for writer in writers:
    writer.close()
clock.report(rows, size_of(folder))
