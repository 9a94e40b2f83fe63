import { type DriverFactory, hadoopDriver } from '../files/index.js';
import type { HdfsOptions } from './hdfs-file-system.js';

/**
 * A driver with options of one's own for `openFiles`:
 *
 *     openFiles({ drivers: { hdfs: hdfsDriver({ configuration: '/etc/hadoop/conf' }) } })
 */
export function hdfsDriver(options: Omit<HdfsOptions, 'authority'> = {}): DriverFactory {
  const { scheme = 'hdfs' } = options;
  return hadoopDriver(scheme, options);
}
