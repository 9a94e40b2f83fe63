import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { rankFromEnvironment } from '../../../src/train/rendezvous/environment.js';

const folder = mkdtempSync(join(tmpdir(), 'environment-'));
afterAll(() => rmSync(folder, { recursive: true }));
const secretFile = join(folder, 'secret');
writeFileSync(secretFile, 'open sesame\n', { mode: 0o600 });
const emptyFile = join(folder, 'empty');
writeFileSync(emptyFile, '\n');

const tf = (cluster: object, type: string, index: number | string): { TF_CONFIG: string } => ({
  TF_CONFIG: JSON.stringify({ cluster, task: { type, index } }),
});
const hosts = ['a:2222', 'b:2222', 'b:2223'];
const torchrun = {
  RANK: '3',
  WORLD_SIZE: '4',
  LOCAL_RANK: '1',
  LOCAL_WORLD_SIZE: '2',
  MASTER_ADDR: 'h0',
  MASTER_PORT: '1234',
};
const openmpi = {
  OMPI_COMM_WORLD_RANK: '1',
  OMPI_COMM_WORLD_SIZE: '2',
  OMPI_COMM_WORLD_LOCAL_RANK: '1',
  OMPI_COMM_WORLD_LOCAL_SIZE: '2',
};

test.each<[string, Record<string, string>, object]>([
  [
    'nothing: alone',
    {},
    {
      rank: 0,
      worldSize: 1,
      localRank: 0,
      localWorldSize: 1,
      address: '127.0.0.1',
      port: 29500,
      jobId: 'default',
      attempt: 0,
      insecure: false,
    },
  ],
  ['torchrun', torchrun, { rank: 3, worldSize: 4, localRank: 1, localWorldSize: 2, address: 'h0', port: 1234 }],
  [
    'torchrun whose store has the port',
    { ...torchrun, TORCHELASTIC_USE_AGENT_STORE: 'True', TORCHELASTIC_RUN_ID: 'run', TORCHELASTIC_RESTART_COUNT: '2' },
    { port: 1235, jobId: 'run', attempt: 2 },
  ],
  [
    'our launcher',
    {
      ...torchrun,
      SHARDFEED_JOB_ID: 'j',
      SHARDFEED_ATTEMPT: '5',
      SHARDFEED_SECRET_FILE: secretFile,
      SHARDFEED_LAUNCHER_FD: '3',
    },
    { jobId: 'j', attempt: 5, secret: 'open sesame', launcherFd: 3 },
  ],
  [
    'ranks of one host without local numbers',
    { RANK: '1', WORLD_SIZE: '2', MASTER_ADDR: 'localhost' },
    { localRank: 1, localWorldSize: 2 },
  ],
  [
    'ranks of several hosts without local numbers',
    { RANK: '1', WORLD_SIZE: '2', MASTER_ADDR: 'h0' },
    { localRank: 0, localWorldSize: 1 },
  ],
  [
    'TF_CONFIG of workers',
    tf({ worker: hosts }, 'worker', 2),
    { rank: 2, worldSize: 3, localRank: 1, localWorldSize: 2, address: 'a', port: 2222, listen: 'b:2223' },
  ],
  [
    'TF_CONFIG with a chief',
    tf({ chief: ['c:1'], worker: hosts }, 'worker', 0),
    { rank: 1, worldSize: 4, address: 'c', port: 1, listen: 'a:2222' },
  ],
  ['TF_CONFIG, the chief itself', tf({ chief: ['c:1'], worker: hosts }, 'chief', '0'), { rank: 0, worldSize: 4 }],
  ['TF_CONFIG, the old name of it', tf({ master: ['c:1'], worker: hosts }, 'worker', 1), { rank: 2, worldSize: 4 }],
  [
    'TF_CONFIG, IPv6',
    tf({ worker: ['[::1]:5', '[::1]:6'] }, 'worker', 1),
    { address: '::1', port: 5, listen: '[::1]:6', localRank: 1 },
  ],
  [
    'MASTER_ADDR and MASTER_PORT before TF_CONFIG',
    { ...tf({ worker: hosts }, 'worker', 1), MASTER_ADDR: 'z', MASTER_PORT: '9' },
    { rank: 1, address: 'z', port: 9, listen: 'b:2222' },
  ],
  [
    'TF_CONFIG as a sparse cluster',
    tf({ worker: { 0: 'a:1', 1: 'b:2' } }, 'worker', 1),
    { rank: 1, worldSize: 2, address: 'a' },
  ],
  ['Open MPI on one host', openmpi, { rank: 1, worldSize: 2, localRank: 1, address: '127.0.0.1' }],
  [
    'Open MPI on several',
    { ...openmpi, OMPI_COMM_WORLD_SIZE: '8', MASTER_ADDR: 'h0', PMIX_NAMESPACE: 'ns', PMIX_RANK: '1' },
    { worldSize: 8, address: 'h0', jobId: 'ns' },
  ],
  [
    'MPICH',
    { PMI_RANK: '1', PMI_SIZE: '3', MPI_LOCALRANKID: '1', MPI_LOCALNRANKS: '3' },
    { rank: 1, worldSize: 3, localRank: 1, address: '127.0.0.1' },
  ],
  ['PMIx with a size', { PMIX_RANK: '2', SHARDFEED_WORLD_SIZE: '3', MASTER_ADDR: 'h0' }, { rank: 2, worldSize: 3 }],
  [
    'a Kubernetes Job with a service',
    { JOB_COMPLETION_INDEX: '2', SHARDFEED_WORLD_SIZE: '4', HOSTNAME: 'train-x-2', SHARDFEED_SERVICE: 'svc' },
    {
      rank: 2,
      worldSize: 4,
      address: 'train-x-0.svc',
      jobId: 'train-x',
      listen: '0.0.0.0',
      localRank: 0,
      localWorldSize: 1,
    },
  ],
  [
    'a Kubernetes Job with an address',
    { JOB_COMPLETION_INDEX: '0', WORLD_SIZE: '2', MASTER_ADDR: 'h0', SHARDFEED_LISTEN: ':700-800' },
    { rank: 0, worldSize: 2, address: 'h0', listen: ':700-800' },
  ],
  ['two that agree', { ...openmpi, RANK: '1', WORLD_SIZE: '2' }, { rank: 1, worldSize: 2, localRank: 1 }],
  [
    'two that do not, and a choice',
    { ...openmpi, RANK: '0', WORLD_SIZE: '2', SHARDFEED_RANKS_FROM: 'openmpi' },
    { rank: 1 },
  ],
  ['no secret asked for', { SHARDFEED_INSECURE: '1' }, { insecure: true }],
])('%s', (_, environment, expected) => {
  expect(rankFromEnvironment(environment)).toMatchObject(expected);
});

test.each<[string, Record<string, string>, string, RegExp]>([
  [
    'two that contradict each other',
    { ...openmpi, RANK: '0', WORLD_SIZE: '2' },
    'SHARDFEED_RENDEZVOUS',
    /rank 0 of 2, but .*rank 1 of 2: unset .* SHARDFEED_RANKS_FROM/,
  ],
  [
    'TF_CONFIG against torchrun',
    { ...tf({ worker: hosts }, 'worker', 0), ...torchrun },
    'SHARDFEED_RENDEZVOUS',
    /TF_CONFIG says rank 0 of 3/,
  ],
  ['no address', { ...openmpi, OMPI_COMM_WORLD_SIZE: '8' }, 'SHARDFEED_RENDEZVOUS', /set MASTER_ADDR/],
  ['no size', { RANK: '1' }, 'SHARDFEED_USAGE', /WORLD_SIZE is not/],
  ['no number', { RANK: 'one', WORLD_SIZE: '2' }, 'SHARDFEED_USAGE', /RANK must be a whole number, not "one"/],
  ['a rank beyond', { RANK: '2', WORLD_SIZE: '2', MASTER_ADDR: 'a' }, 'SHARDFEED_USAGE', /rank 2 of 2/],
  [
    'an evaluator',
    tf({ worker: hosts, evaluator: ['e:1'] }, 'evaluator', 0),
    'SHARDFEED_USAGE',
    /evaluation is part of training/,
  ],
  ['parameter servers', tf({ worker: hosts, ps: ['p:1'] }, 'worker', 0), 'SHARDFEED_USAGE', /allreduce/],
  ['an index beyond', tf({ worker: hosts }, 'worker', 3), 'SHARDFEED_USAGE', /no worker 3/],
  ['no JSON', { TF_CONFIG: '{' }, 'SHARDFEED_USAGE', /is not of the form/],
  ['no port', tf({ worker: ['a', 'b'] }, 'worker', 0), 'SHARDFEED_USAGE', /"a" is not host:port/],
  ['a Job without a size', { JOB_COMPLETION_INDEX: '1' }, 'SHARDFEED_USAGE', /set SHARDFEED_WORLD_SIZE/],
  [
    'a Job whose pods have other names',
    { JOB_COMPLETION_INDEX: '1', WORLD_SIZE: '2', HOSTNAME: 'x', SHARDFEED_SERVICE: 's' },
    'SHARDFEED_USAGE',
    /does not end with its index 1/,
  ],
  ['a choice of what is not there', { SHARDFEED_RANKS_FROM: 'pmi' }, 'SHARDFEED_USAGE', /has set none/],
  ['a choice that there is not', { SHARDFEED_RANKS_FROM: 'slurm' }, 'SHARDFEED_USAGE', /is one of torchrun, /],
  ['two secrets', { SHARDFEED_SECRET: 'x', SHARDFEED_SECRET_FILE: secretFile }, 'SHARDFEED_USAGE', /both set/],
  ['an empty secret', { SHARDFEED_SECRET_FILE: emptyFile }, 'SHARDFEED_USAGE', /is empty/],
  [
    'no file of the secret',
    { SHARDFEED_SECRET_FILE: join(folder, 'none') },
    'SHARDFEED_USAGE',
    /cannot be read: ENOENT/,
  ],
  ['half of TLS', { SHARDFEED_TLS_CERT: secretFile }, 'SHARDFEED_USAGE', /takes both/],
])('%s is refused', (_, environment, code, message) => {
  expect(() => rankFromEnvironment(environment)).toThrowError(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});
