// Commits versions of a small dataset to the path in argv[2], over and over, until it is killed. `first` in argv[3]: without
// overwrite, each to a path of its own. Says `ready` before it begins.
import { DatasetCommit, localFileSystem } from '../../dist/files/index.js';

const fs = localFileSystem();
const [path, mode] = process.argv.slice(2);
process.stdout.write('ready\n');
for (let i = 0; ; i++) {
  const target = mode === 'first' ? `${path}-${i}` : path;
  const commit = await DatasetCommit.begin({ fs, path: target }, { overwrite: mode !== 'first' });
  const version = Buffer.alloc(5000, `${process.pid}.${i};`);
  for (const part of ['part-r-00000', 'part-r-00001']) {
    const writer = await commit.create(part);
    await writer.write(version);
    await writer.close();
  }
  await commit.commit({ manifest: version });
}
