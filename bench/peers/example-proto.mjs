// tf.train.Example by protobufjs.
import protobuf from 'protobufjs';

const SOURCE = `syntax = "proto3"; package tensorflow;
message BytesList { repeated bytes value = 1; }
message FloatList { repeated float value = 1 [packed = true]; }
message Int64List { repeated int64 value = 1 [packed = true]; }
message Feature { oneof kind { BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3; } }
message Features { map<string, Feature> feature = 1; }
message Example { Features features = 1; }`;

export const Example = protobuf.parse(SOURCE, { keepCase: true }).root.lookupType('tensorflow.Example');
