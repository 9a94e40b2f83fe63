import { keyText } from './example-object.js';
import { type ParsedFeature, parseExample } from './example-parse.js';
import { type JsonValue, toJsonValue } from './json-value.js';
import { hasFeatureLists, parseSequenceExample } from './sequence-parse.js';

/** Which features of a record are wanted, by name. */
export type WantsFeature = (name: string) => boolean;

/**
 * A record as one line of JSON: each feature with one value plain, or its values as an array; values as `toJsonValue`
 * gives them. A SequenceExample with feature lists becomes `{ "context": { ... }, "featureLists": { name: [step, ...] } }`.
 * @throws SHARDFEED_MALFORMED_EXAMPLE
 */
export function recordToJson(record: Uint8Array, wants: WantsFeature = () => true): string {
  if (!hasFeatureLists(record)) return objectText(parseExample(record), featureText, wants);
  const { context, featureLists } = parseSequenceExample(record);
  const lists = objectText(featureLists, (steps) => `[${steps.map(featureText).join(',')}]`, wants);
  return `{"context":${objectText(context, featureText, wants)},"featureLists":${lists}}`;
}

/** Built as text, as an object would reorder names that look like numbers. */
function objectText<T>(entries: ReadonlyMap<string, T>, text: (value: T) => string, wants: WantsFeature): string {
  const members: string[] = [];
  for (const [key, value] of entries) {
    const name = keyText(key);
    if (wants(name)) members.push(`${JSON.stringify(name)}:${text(value)}`);
  }
  return `{${members.join(',')}}`;
}

function featureText({ kind, values }: ParsedFeature): string {
  const texts = values.map((value) => valueText(toJsonValue(kind ?? 'bytes', value)));
  return texts.length === 1 ? texts[0]! : `[${texts.join(',')}]`;
}

/** `JSON.stringify` loses the sign of -0. */
function valueText(value: JsonValue): string {
  return Object.is(value, -0) ? '-0' : JSON.stringify(value);
}
