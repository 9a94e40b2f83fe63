export type { AllowRedirect, CredentialsOptions, Negotiate, TlsOptions } from './credentials/index.js';
export {
  type Credentials,
  type CredentialsContext,
  type CredentialsRequest,
  type NameNodeTarget,
  simpleCredentials,
} from './credentials.js';
export { type HadoopConfiguration, loadHadoopConfiguration } from './hadoop-configuration.js';
export { hdfsDriver } from './hdfs-driver.js';
export { type HdfsOptions, hdfsFileSystem } from './hdfs-file-system.js';
export { findNameNodes } from './name-nodes.js';
