#!/usr/bin/env python3
"""features.py ROWS BATCHES RUNS: TensorFlow's transforms of the columns of bench/features.mjs, on one core: ns a value as JSON."""
import json
import sys
import time

import common  # noqa: F401

import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
rows, batches, runs = (int(arg) for arg in sys.argv[1:4])


def hashed(i):
    return i * 2654435761 % 2**32


def word(i):
    return b'%08x' % hashed(i)


words = tf.constant([word(i) for i in range(rows)])
lines = tf.constant([word(i) * 6 for i in range(rows)])
common_words = tf.constant([word(i % 150) for i in range(rows)])
ids = tf.constant([hashed(i) - 2**31 for i in range(rows)], tf.int64)
classes = tf.constant([i % 10 for i in range(rows)], tf.int64)
x = tf.constant([hashed(i) / 2**32 for i in range(rows)], tf.float32)
keys = [word(i) for i in range(100)]
table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, list(range(1, 101)), value_dtype=tf.int64), 0)
boundaries = [(i + 1) / 64 for i in range(63)]

CASES = {
    'hashBucket, 8 bytes': lambda: tf.strings.to_hash_bucket_fast(words, 100_000),
    'hashBucket, 48 bytes': lambda: tf.strings.to_hash_bucket_fast(lines, 100_000),
    'hashBucket, int64': lambda: tf.strings.to_hash_bucket_fast(tf.strings.as_string(ids), 100_000),
    'vocabulary, 100 of 8 bytes': lambda: table.lookup(common_words),
    'cross, two of 8 bytes': lambda: tf.sparse.cross_hashed([words[:, None], common_words[:, None]], 100_000).values,
    'bucketize, 63 boundaries': lambda: tf.raw_ops.Bucketize(input=x, boundaries=boundaries),
    'normalize': lambda: (x - 0.5) / 0.25,
    'oneHot, 10 classes': lambda: tf.one_hot(classes, 10),
}


def measure(work):
    work()
    best = float('inf')
    for _ in range(runs):
        start = time.process_time()
        for _ in range(batches):
            work()
        best = min(best, time.process_time() - start)
    return 1e9 * best / (batches * rows)


print(json.dumps({name: measure(work) for name, work in CASES.items()}))
