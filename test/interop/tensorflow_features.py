#!/usr/bin/env python3
"""What TensorFlow's own layers and ops make of columns: tensorflow_features.py JOBS (JSON); results go to stdout as JSON.

A job is { "op", options, "columns": [{ "kind", "rows": [[value, ...], ...], "ragged": bool }] }; values are base64 for bytes,
decimal text for int64, hexadecimal digits of the 32 bits (or nan) for float. A result is a list of rows, in the same form. A row of
a column that is not ragged holds one value.
"""
import base64
import json
import os
import struct
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

PARSE = {
    'bytes': base64.b64decode,
    'int64': int,
    'float': lambda text: float('nan') if text == 'nan' else struct.unpack('>f', bytes.fromhex(text))[0],
}
DTYPES = {'bytes': tf.string, 'int64': tf.int64, 'float': tf.float32}


def tensor(column):
    """[rows] for one value a row, else a RaggedTensor."""
    kind = column['kind']
    rows = [[PARSE[kind](value) for value in row] for row in column['rows']]
    if column.get('ragged'):
        return tf.ragged.constant(rows, dtype=DTYPES[kind], ragged_rank=1)
    return tf.constant([row[0] for row in rows], DTYPES[kind])


def values(result):
    if isinstance(result, tf.SparseTensor):
        result = tf.RaggedTensor.from_sparse(result)
    if isinstance(result, tf.RaggedTensor):
        return result.to_list()
    return np.asarray(result).reshape(result.shape[0], -1).tolist()


def same(*results):
    """Several ways to the same result."""
    told = [values(result) for result in results]
    assert all(one == told[0] for one in told), told
    return told[0]


def hash_bucket(column, buckets):
    given = tensor(column)
    text = given if column['kind'] == 'bytes' else tf.strings.as_string(given)
    layer = tf.keras.layers.Hashing(num_bins=buckets)
    if column.get('ragged'):
        return values(tf.ragged.map_flat_values(lambda flat: layer(flat), given))
    return same(tf.strings.to_hash_bucket_fast(text, buckets), layer(given))


def bucketize(column, boundaries):
    given = tensor(column)
    layer = tf.keras.layers.Discretization(bin_boundaries=boundaries)
    return same(tf.raw_ops.Bucketize(input=given, boundaries=boundaries), layer(given))


def normalize(column, mean, std):
    layer = tf.keras.layers.Normalization(axis=None, mean=mean, variance=std**2)
    return [[struct.pack('>f', value).hex() for value in row] for row in values(layer(tensor(column)))]


def one_hot(column, depth):
    return values(tf.one_hot(tensor(column), depth))


def multi_hot(column, depth, count):
    given = tensor(column)
    counts = tf.math.bincount(given, minlength=depth, maxlength=depth, axis=-1, binary_output=not count)
    layer = tf.keras.layers.CategoryEncoding(depth, output_mode='count' if count else 'multi_hot')
    rows = [layer(row) for row in given]
    return same(tf.cast(counts, tf.float32), tf.stack(rows))


def cross(columns, buckets):
    given = [tensor(column) for column in columns]
    if any(isinstance(one, tf.RaggedTensor) for one in given):
        lists = [one if isinstance(one, tf.RaggedTensor) else tf.RaggedTensor.from_tensor(one[:, None]) for one in given]
        return values(tf.sparse.cross_hashed([one.to_sparse() for one in lists], buckets))
    return values(tf.keras.layers.HashedCrossing(num_bins=buckets)(given))


def vocabulary(column, list, outOfVocabulary):
    if column['kind'] == 'bytes':
        layer = tf.keras.layers.StringLookup(vocabulary=list, num_oov_indices=outOfVocabulary)
    else:
        layer = tf.keras.layers.IntegerLookup(vocabulary=list, num_oov_indices=outOfVocabulary)
    given = tensor(column)
    return values(tf.ragged.map_flat_values(layer, given) if column.get('ragged') else layer(given))


OPS = {
    'hashBucket': hash_bucket,
    'bucketize': bucketize,
    'normalize': normalize,
    'oneHot': one_hot,
    'multiHot': multi_hot,
    'cross': cross,
    'vocabulary': vocabulary,
}

if __name__ == '__main__':
    with open(sys.argv[1]) as f:
        jobs = json.load(f)
    json.dump([OPS[job.pop('op')](**job) for job in jobs], sys.stdout)
