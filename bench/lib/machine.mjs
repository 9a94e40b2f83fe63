// What figures were taken on: enough to read them, nothing that names the host.
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export function machine() {
  const versions = Object.fromEntries(
    readFileSync(new URL('../../test/interop/requirements.txt', import.meta.url), 'utf8')
      .split('\n')
      .map((line) => /^(tensorflow-cpu|pandas|numpy)==(.*)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, name, version]) => [name, version]),
  );
  return {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    ...versions,
  };
}
