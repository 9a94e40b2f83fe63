import type { Command } from 'commander';
import type { FilesOptions } from '../files/index.js';

interface HadoopFlags {
  hadoopConf?: string;
  user?: string;
  tokenFile?: string;
}

/** Options of every command, for `hdfs://` and its kin; without them the environment counts, as for Hadoop's own tools. */
export function addHadoopOptions(program: Command): void {
  program
    .option('--hadoop-conf <folder>', 'where core-site.xml and hdfs-site.xml lie (default: $HADOOP_CONF_DIR)')
    .option('--user <name>', 'who we are on HDFS (default: $HADOOP_USER_NAME, else the user of this process)')
    .option('--token-file <file>', "delegation tokens in Hadoop's format (default: $HADOOP_TOKEN_FILE_LOCATION)");
}

export function filesOptions(program: Command): FilesOptions {
  const { hadoopConf: configuration, user, tokenFile } = program.opts<HadoopFlags>();
  return { hdfs: { configuration, authentication: { user, tokenFile } } };
}
