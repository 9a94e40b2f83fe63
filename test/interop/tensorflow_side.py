#!/usr/bin/env python3
"""TensorFlow's half of the interop tests.

  tensorflow_side.py write DIR     TensorFlow writes record files into DIR, and DIR/expected.json says what they hold
  tensorflow_side.py read JOBS     TensorFlow reads the files that JOBS (JSON) lists; what it found goes to stdout as JSON

A record is told in one canonical form on both sides, in which equal means equal to the last bit:
  { name: ["int64", ["-1", ...]] | ["float", ["3f800000", ...]] | ["bytes", [base64, ...]] | ["none", []] }
floats as the hexadecimal digits of their 32 bits, every NaN as "nan". A SequenceExample is
  { "context": the above, "lists": { name: [feature, ...] } }
"""
import base64
import json
import math
import os
import random
import struct
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')
import tensorflow as tf  # noqa: E402

COMPRESSIONS = {'plain': ('', ''), 'gzip': ('GZIP', '.gz'), 'zlib': ('ZLIB', '.zlib')}


# --- canonical form -----------------------------------------------------------------------------------------------
def canonical_float(value):
    return 'nan' if math.isnan(value) else struct.pack('>f', value).hex()


def canonical_value(kind, value):
    if kind == 'int64':
        return str(int(value))
    if kind == 'float':
        return canonical_float(float(value))
    return base64.b64encode(value).decode()


def canonical_feature(feature):
    which = feature.WhichOneof('kind')
    if which is None:
        return ['none', []]
    kind = which.removesuffix('_list')
    return [kind, [canonical_value(kind, v) for v in getattr(feature, which).value]]


def canonical_features(features):
    return {name: canonical_feature(feature) for name, feature in features.feature.items()}


def canonical_example(payload):
    return canonical_features(tf.train.Example.FromString(payload).features)


def canonical_sequence(payload):
    sequence = tf.train.SequenceExample.FromString(payload)
    lists = {
        name: [canonical_feature(feature) for feature in feature_list.feature]
        for name, feature_list in sequence.feature_lists.feature_list.items()
    }
    return {'context': canonical_features(sequence.context), 'lists': lists}


# --- what TensorFlow writes ---------------------------------------------------------------------------------------
def feature(kind, values):
    train = tf.train
    if kind == 'none':
        return train.Feature()
    if kind == 'int64':
        return train.Feature(int64_list=train.Int64List(value=values))
    if kind == 'float':
        return train.Feature(float_list=train.FloatList(value=values))
    return train.Feature(bytes_list=train.BytesList(value=values))


def bits(hexadecimal):
    return struct.unpack('>f', bytes.fromhex(hexadecimal))[0]


INT64_EDGES = [0, 1, -1, 127, 128, -128, 2**31 - 1, -(2**31), 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
# zero, minus zero, smallest and largest subnormal, smallest normal, largest, 0.1, infinities, NaN
FLOAT_EDGES = [
    bits(h)
    for h in '00000000 80000000 00000001 007fffff 80000001 00800000 7f7fffff 3dcccccd 7f800000 ff800000 7fc00000'.split()
]
BYTES_EDGES = [b'', b'a', 'žluťoučký 日本 🚲'.encode(), b'\x00', b'\xff\xfe\x00\x80', bytes(range(256)), b'x' * 70_000]


def edge_rows():
    yield {}
    yield {'nothing': ('none', [])}
    yield {'empty int': ('int64', []), 'empty float': ('float', []), 'empty bytes': ('bytes', [])}
    yield {'i': ('int64', INT64_EDGES), 'f': ('float', FLOAT_EDGES), 'b': ('bytes', BYTES_EDGES)}
    for value in INT64_EDGES:
        yield {'i': ('int64', [value])}
    for value in FLOAT_EDGES:
        yield {'f': ('float', [value])}
    for value in BYTES_EDGES:
        yield {'b': ('bytes', [value])}
    yield {'': ('int64', [1]), 'имя 名前 🚲': ('bytes', ['значение'.encode()]), 'n' * 300: ('float', [1.5])}
    yield {f'feature {i:04d}': ('int64', [i]) for i in range(1500)}


def random_rows(count, seed):
    pick = random.Random(seed)
    for _ in range(count):
        row = {}
        for name in pick.sample(['a', 'b', 'c', 'dd', 'eee', 'é', 'long name of a feature'], pick.randrange(8)):
            kind = pick.choice(['int64', 'float', 'bytes'])
            length = pick.choice([0, 1, 1, 1, 2, 7, 40])
            if kind == 'int64':
                values = [pick.randrange(-(2**63), 2**63) >> pick.randrange(64) for _ in range(length)]
            elif kind == 'float':
                values = [bits(pick.randbytes(4).hex()) for _ in range(length)]
            else:
                values = [pick.randbytes(pick.choice([0, 1, 3, 20, 300])) for _ in range(length)]
            row[name] = (kind, values)
        yield row


def table_rows(count, seed):
    """Rows that fit one schema: what a converter of tables writes."""
    pick = random.Random(seed)
    for i in range(count):
        yield {
            'id': ('int64', [i]),
            'big': ('int64', [pick.randrange(-(2**63), 2**63)]),
            'x': ('float', [bits(pick.randbytes(2).hex() + '0000')]),
            'pair': ('float', [i / 3, -i / 7]),
            'name': ('bytes', [f'name é {i}'.encode()]),
            'tags': ('bytes', [b'tag%d' % k for k in range(i % 4)]),
            'history': ('int64', list(range(i % 5))),
        }


def example(row):
    features = {name: feature(kind, values) for name, (kind, values) in row.items()}
    return tf.train.Example(features=tf.train.Features(feature=features))


def sequences(count, seed):
    pick = random.Random(seed)
    yield tf.train.SequenceExample()
    yield tf.train.SequenceExample(feature_lists=tf.train.FeatureLists(feature_list={'empty': tf.train.FeatureList()}))
    for i in range(count):
        steps = pick.randrange(6)
        lists = {
            'tokens': [('int64', [pick.randrange(-9, 10**12) for _ in range(pick.randrange(4))]) for _ in range(steps)],
            'frames': [('float', [k / 3, FLOAT_EDGES[k % len(FLOAT_EDGES)]]) for k in range(steps)],
            'words é': [('bytes', [pick.randbytes(k)]) for k in range(steps)],
        }
        context = {'id': ('int64', [i]), 'name': ('bytes', [b'n%d' % i]), 'none': ('none', [])}
        yield tf.train.SequenceExample(
            context=tf.train.Features(feature={name: feature(*f) for name, f in context.items()}),
            feature_lists=tf.train.FeatureLists(
                feature_list={
                    name: tf.train.FeatureList(feature=[feature(*f) for f in items]) for name, items in lists.items()
                }
            ),
        )


def write(folder):
    groups = {
        'edges': [example(row).SerializeToString() for row in edge_rows()],
        'random': [example(row).SerializeToString() for row in random_rows(2000, 1)],
        'table': [example(row).SerializeToString(deterministic=True) for row in table_rows(3000, 2)],
        'sequences': [s.SerializeToString() for s in sequences(500, 3)],
        'none': [],
    }
    expected = []
    for name, payloads in groups.items():
        tell = canonical_sequence if name == 'sequences' else canonical_example
        records = [tell(payload) for payload in payloads]
        for compression, (option, suffix) in COMPRESSIONS.items():
            path = f'{name}.tfrecord{suffix}'
            with tf.io.TFRecordWriter(os.path.join(folder, path), tf.io.TFRecordOptions(compression_type=option)) as w:
                for payload in payloads:
                    w.write(payload)
            expected.append({'path': path, 'group': name, 'compression': compression})
        with open(os.path.join(folder, f'{name}.json'), 'w') as f:
            json.dump(records, f)
    with open(os.path.join(folder, 'expected.json'), 'w') as f:
        json.dump(expected, f)


# --- what TensorFlow reads ----------------------------------------------------------------------------------------
def parse_spec(schema):
    """A schema of ours as the spec of tf.io.parse_example."""
    kinds = {'int64': tf.int64, 'float': tf.float32, 'bytes': tf.string}
    return {
        f['name']: tf.io.RaggedFeature(kinds[f['kind']])
        if f['shape'] == 'ragged'
        else tf.io.FixedLenFeature(f['shape'], kinds[f['kind']])
        for f in schema['features']
    }


def parsed_columns(payloads, schema):
    """The columns that TensorFlow's own vectorised parser makes: { name: [[canonical values of the row] ...] }."""
    parsed = tf.io.parse_example(tf.constant(payloads, tf.string), parse_spec(schema))
    columns = {}
    for f in schema['features']:
        rows = parsed[f['name']]
        rows = rows.to_list() if f['shape'] == 'ragged' else rows.numpy().reshape(len(payloads), -1).tolist()
        columns[f['name']] = [[canonical_value(f['kind'], v) for v in row] for row in rows]
    return columns


def read_one(job):
    option = COMPRESSIONS[job['compression']][0]
    payloads = list(tf.data.TFRecordDataset(job['paths'], compression_type=option).as_numpy_iterator())
    if job.get('kind') == 'count':
        return {'count': len(payloads)}
    tell = canonical_sequence if job.get('kind') == 'sequence' else canonical_example
    result = {'records': [tell(payload) for payload in payloads]}
    if 'schema' in job:
        result['columns'] = parsed_columns(payloads, job['schema'])
    return result


if __name__ == '__main__':
    command, argument = sys.argv[1:]
    if command == 'write':
        write(argument)
    elif command == 'read':
        with open(argument) as f:
            jobs = json.load(f)
        json.dump([read_one(job) for job in jobs], sys.stdout)
    else:
        sys.exit(f'unknown command {command}')
