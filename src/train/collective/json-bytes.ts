/** A JSON value as whole 32 bit words, so that it can be moved as numbers are. */
export function toJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value) ?? 'null';
  return Buffer.from(text + ' '.repeat(-Buffer.byteLength(text) & 3));
}

export function fromJson<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes).toString()) as T;
}
