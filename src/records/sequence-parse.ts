import { eachField, type ParsedFeature, parseEntry, parseFeatures, parseValues } from './example-parse.js';
import { Wire, WireReader } from './wire.js';

/** A SequenceExample as parsed, keyed by byteKey. */
export interface ParsedSequence {
  readonly context: Map<string, ParsedFeature>;
  /** The Features of each list, one a step. */
  readonly featureLists: Map<string, ParsedFeature[]>;
}

/**
 * Parses a SequenceExample (https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/example/example.proto)
 * by the rules of `parseExample`.
 * @throws SHARDFEED_MALFORMED_EXAMPLE
 */
export function parseSequenceExample(
  bytes: Uint8Array,
  wants: { context?: (key: string) => boolean; featureList?: (key: string) => boolean } = {},
): ParsedSequence {
  const reader = new WireReader(bytes);
  const context = new Map<string, ParsedFeature>();
  const featureLists = new Map<string, ParsedFeature[]>();
  eachField(reader, bytes.length, (field, end) => {
    if (field === 1) parseFeatures(reader, end, context, wants.context);
    else if (field === 2) parseFeatureLists(reader, end, featureLists, wants.featureList);
    else return false;
    return true;
  });
  return { context, featureLists };
}

function parseFeatureLists(
  reader: WireReader,
  end: number,
  into: Map<string, ParsedFeature[]>,
  wants?: (key: string) => boolean,
): void {
  eachField(reader, end, (field, entryEnd) => {
    if (field !== 1) return false;
    const { key, values } = parseEntry(reader, entryEnd);
    if (wants === undefined || wants(key)) into.set(key, parseSteps(reader, values));
    return true;
  });
}

/** The Features of FeatureList messages that merge to one. Leaves the reader's position as it was. */
function parseSteps(reader: WireReader, ranges: readonly [start: number, end: number][]): ParsedFeature[] {
  const { position } = reader;
  const steps: ParsedFeature[] = [];
  for (const [start, end] of ranges) {
    reader.position = start;
    eachField(reader, end, (field, featureEnd) => {
      if (field !== 1) return false;
      steps.push(parseValues(reader, [[reader.position, featureEnd]]));
      reader.position = featureEnd;
      return true;
    });
  }
  reader.position = position;
  return steps;
}

/** Whether a record has feature lists: the one thing that tells a SequenceExample from an Example. */
export function hasFeatureLists(bytes: Uint8Array): boolean {
  const reader = new WireReader(bytes);
  while (reader.position < bytes.length) {
    reader.tag(bytes.length);
    if (reader.field === 2 && reader.wireType === Wire.LENGTH) return true;
    reader.skip(bytes.length);
  }
  return false;
}
