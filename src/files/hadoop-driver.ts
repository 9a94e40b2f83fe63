import type { HdfsOptions } from '../hdfs/index.js';
import type { Capabilities } from './file-system.js';
import type { DriverFactory } from './files.js';
import { lazyFileSystem } from './lazy-file-system.js';

/** `swebhdfs` is WebHDFS over TLS, `httpfs` an HttpFS gateway. */
export type HadoopScheme = 'hdfs' | 'webhdfs' | 'swebhdfs' | 'httpfs';

/** Everything about the cluster but its name. */
export type HadoopOptions = Omit<HdfsOptions, 'scheme' | 'authority'>;

/** A gateway (`httpfs`, or HttpFS's own port 14000) ignores rename's options, so it cannot replace at one stroke. */
export function hadoopCapabilities(scheme: HadoopScheme, authority: string): Capabilities {
  const gateway = scheme === 'httpfs' || authority.endsWith(':14000');
  return { blockLocations: true, checksum: true, freeSpace: true, interruptibleWrites: true, replaceFile: !gateway };
}

/**
 * The driver in `src/hdfs`. A URI must lead to every driver, so this one import looks upwards; it is made when the driver is
 * first used, so that nobody else loads it.
 */
export function hadoopDriver(scheme: HadoopScheme, options: HadoopOptions = {}): DriverFactory {
  return (authority) =>
    lazyFileSystem({
      scheme,
      authority,
      capabilities: hadoopCapabilities(scheme, authority),
      load: async () => (await import('../hdfs/index.js')).hdfsFileSystem({ ...options, scheme, authority }),
    });
}
