#!/usr/bin/env python3
"""train.py FOLDER WORKERS BATCH EPOCHS: Keras trains wide & deep (tf_keras' WideDeepModel, as tf2-onspark does) from the TFRecords of all part files but
the last, alone or by MultiWorkerMirroredStrategy, BATCH rows a worker and step; then log-loss and accuracy on the last one. Records are parsed a batch at a
time, the fastest way of tf.data. Times are of the epochs; tracing and the first 20 steps come before."""
import json
import os
import socket
import subprocess
import sys
import time

from common import size_of

os.environ['TF_USE_LEGACY_KERAS'] = '1'
folder, workers, batch, epochs = sys.argv[1], *(int(arg) for arg in sys.argv[2:5])

if workers > 1 and 'TF_CONFIG' not in os.environ:
    sockets = [socket.socket() for _ in range(workers)]
    for one in sockets:
        one.bind(('127.0.0.1', 0))
    cluster = {'worker': [f'127.0.0.1:{one.getsockname()[1]}' for one in sockets]}
    for one in sockets:
        one.close()

    def start(index):
        config = json.dumps({'cluster': cluster, 'task': {'type': 'worker', 'index': index}})
        output = None if index == 0 else subprocess.DEVNULL
        return subprocess.Popen([sys.executable, *sys.argv], stdout=output, env={**os.environ, 'TF_CONFIG': config})

    sys.exit(max(abs(process.wait()) for process in [start(index) for index in range(workers)]))

import tensorflow as tf  # noqa: E402
import tf_keras as keras  # noqa: E402

AUTOTUNE = tf.data.AUTOTUNE
rank = json.loads(os.environ['TF_CONFIG'])['task']['index'] if workers > 1 else 0
strategy = tf.distribute.MultiWorkerMirroredStrategy() if workers > 1 else tf.distribute.get_strategy()
KINDS = {'Pclass': tf.int64, 'Sex': tf.string, 'Age': tf.float32, 'SibSp': tf.int64, 'Parch': tf.int64}
KINDS |= {'Fare': tf.float32, 'Embarked': tf.string, 'Survived': tf.int64}
SPEC = {name: tf.io.FixedLenFeature([], kind) for name, kind in KINDS.items()}


def parse(records):
    row = tf.io.parse_example(records, SPEC)

    def number(values):
        return tf.cast(values, tf.float32)

    def one_of(name, values):
        return number(tf.equal(row[name][:, None], values))

    classes = [one_of('Sex', ['male', 'female']), one_of('Embarked', ['S', 'C', 'Q', ''])]
    wide = tf.concat([tf.one_hot(row['Pclass'] - 1, 3), *classes], 1)
    numbers = tf.stack([row['Age'], number(row['SibSp']), number(row['Parch']), row['Fare']], 1)
    return (wide, tf.concat([numbers, wide], 1)), number(row['Survived'])[:, None]


def dataset(files, size, train):
    records = tf.data.Dataset.from_tensor_slices(files).interleave(
        tf.data.TFRecordDataset, cycle_length=len(files), num_parallel_calls=AUTOTUNE
    )
    if train and workers > 1:
        records = records.shard(workers, rank)
    return records.batch(size, drop_remainder=train).map(parse, num_parallel_calls=AUTOTUNE)


def build():
    linear = keras.experimental.LinearModel(units=1)
    layers = [keras.layers.BatchNormalization(), keras.layers.Dense(128, activation='relu'), keras.layers.Dense(1)]
    return keras.experimental.WideDeepModel(linear, keras.Sequential(layers), activation='sigmoid')


files = sorted(tf.io.gfile.glob(folder + '/part*'))
train = dataset(files[:-1], batch, True).repeat().prefetch(AUTOTUNE)
options = tf.data.Options()
options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
train = train.with_options(options)
total = sum(int(records.shape[0]) for records in tf.data.TFRecordDataset(files[:-1]).batch(65536))
steps = total // (batch * workers)
loss = keras.losses.BinaryCrossentropy()
with strategy.scope():
    model = build()
    legacy = keras.optimizers.legacy
    optimizers = [legacy.Ftrl(0.05, l1_regularization_strength=0.5), legacy.Adagrad(0.05)]
    model.compile(optimizer=optimizers, loss=loss, metrics=[keras.metrics.BinaryAccuracy()])
source = strategy.distribute_datasets_from_function(lambda _: train) if workers > 1 else train
model.fit(source, epochs=1, steps_per_epoch=20, verbose=0)
cpu = time.process_time()
start = time.perf_counter()
model.fit(source, epochs=epochs, steps_per_epoch=steps, verbose=0)
seconds = time.perf_counter() - start
cpu = time.process_time() - cpu
held_out = dataset(files[-1:], 4096, False)
weights = model.get_weights()
alone = build()
alone(next(iter(held_out))[0])
alone.set_weights(weights)
alone.compile(loss=loss, metrics=[keras.metrics.BinaryAccuracy()])
measured = alone.evaluate(held_out, verbose=0)
if rank == 0:
    line = {'rows': steps * epochs * batch * workers, 'bytes': size_of(folder), 'seconds': seconds, 'cpuSeconds': cpu}
    print(json.dumps({**line, 'loss': measured[0], 'accuracy': measured[1]}), flush=True)
