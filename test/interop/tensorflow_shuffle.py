#!/usr/bin/env python3
"""tensorflow_shuffle.py RECORDS BUFFER SEED: the order in which tf.data's shuffle(BUFFER) gives the numbers below RECORDS, as JSON."""
import json
import os
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')
import tensorflow as tf  # noqa: E402

records, size, seed = (int(argument) for argument in sys.argv[1:])
dataset = tf.data.Dataset.range(records).shuffle(size, seed=seed).batch(1024)
print(json.dumps([int(number) for batch in dataset.as_numpy_iterator() for number in batch]))
