// What the cluster's daemons run on: a Java virtual machine and Hadoop's jars, which Maven fetches once.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const POM = fileURLToPath(new URL('pom.xml', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache/hdfs/', import.meta.url));

/** Something that the cluster needs is not on this machine; the message says what to install. */
export class UnavailableError extends Error {}

function onPath(name, home) {
  const folders = [...(home ? [join(home, 'bin')] : []), ...(process.env.PATH ?? '').split(delimiter)];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Path of a Java of version 17 to 23: from 24 on Hadoop 3.4 misses Subject.getSubject. @throws UnavailableError */
export function findJava() {
  const java = onPath('java', process.env.JAVA_HOME);
  if (java === undefined) {
    throw new UnavailableError(
      'HDFS runs on Java 17, and there is no java on the PATH or in JAVA_HOME (Debian: openjdk-17-jre-headless)',
    );
  }
  const version = Number(/version "(\d+)/.exec(spawnSync(java, ['-version'], { encoding: 'utf8' }).stderr)?.[1]);
  if (!(version >= 17 && version <= 23)) {
    throw new UnavailableError(
      `HDFS runs on Java 17 to 23, and ${java} is Java ${version}: let JAVA_HOME name another`,
    );
  }
  return java;
}

/** The folder where the jars are or will be: SHARDFEED_HDFS_JARS, or one of the cache that belongs to this pom.xml. */
function jarFolder() {
  const digest = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12);
  return process.env.SHARDFEED_HDFS_JARS || join(CACHE, `jars-${digest}`);
}

const holdsJars = (folder) => existsSync(folder) && readdirSync(folder).some((name) => /^hadoop-hdfs-\d/.test(name));

function findMaven() {
  const maven = onPath('mvn', process.env.MAVEN_HOME);
  if (maven !== undefined) return maven;
  throw new UnavailableError("Maven fetches Hadoop's jars, and there is no mvn on the PATH (Debian: maven)");
}

/** Why no cluster can be started here, or undefined. */
export function whyUnavailable() {
  try {
    findJava();
    if (!holdsJars(jarFolder())) findMaven();
    return undefined;
  } catch (error) {
    if (error instanceof UnavailableError) return error.message;
    throw error;
  }
}

/** The folder of Hadoop's jars; on first use Maven fetches them (65 MB). @throws UnavailableError, or where Maven fails */
export function ensureJars() {
  const folder = jarFolder();
  if (holdsJars(folder)) return folder;
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new UnavailableError(`SHARDFEED_HDFS_JARS names ${folder}, which holds no hadoop-hdfs-*.jar`);
  }
  const maven = findMaven();
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  process.stderr.write(`fetching Hadoop's jars to ${folder}, once\n`);
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${fresh}`];
  const { status } = spawnSync(maven, ['-B', '-q', '-Dstyle.color=never', '-f', POM, ...goal], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`mvn -f ${POM} ${goal[0]} ended with ${status}: are its repositories within reach?`);
  }
  try {
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!holdsJars(folder)) throw error; // another process was quicker
  }
  return folder;
}
