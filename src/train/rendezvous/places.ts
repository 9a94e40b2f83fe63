import { z } from 'zod';
import { ShardfeedError } from '../../errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a process stands in its job, as one of the systems that start processes tells it. */
export interface Place {
  readonly source: string;
  readonly rank: number;
  readonly worldSize: number;
  readonly localRank?: number;
  readonly localWorldSize?: number;
  readonly address?: string;
  readonly port?: number;
  readonly listen?: string;
  readonly jobId?: string;
  readonly attempt?: number;
}

/** Each reads the variables of one system, and gives nothing where there are none of them. All throw SHARDFEED_USAGE for what makes no sense. */
export const PLACES: Readonly<Record<string, (environment: Environment) => Place | undefined>> = {
  torchrun,
  tensorflow,
  openmpi,
  pmi,
  pmix,
  kubernetes,
};

/** torchrun, and whoever uses its names, as our own launcher does. */
function torchrun(environment: Environment): Place | undefined {
  const rank = whole(environment, 'RANK');
  if (rank === undefined) return undefined;
  return {
    source: 'RANK and WORLD_SIZE',
    rank,
    worldSize: needed(environment, 'WORLD_SIZE', 'RANK'),
    localRank: whole(environment, 'LOCAL_RANK'),
    localWorldSize: whole(environment, 'LOCAL_WORLD_SIZE'),
    jobId: environment.TORCHELASTIC_RUN_ID,
    attempt: whole(environment, 'TORCHELASTIC_RESTART_COUNT'),
  };
}

const hosts = z.union([z.array(z.string()), z.record(z.string(), z.string())]).transform((all) => Object.values(all));
const tfConfig = z.object({
  cluster: z.record(z.string(), hosts),
  task: z.object({ type: z.string(), index: z.coerce.number().int().min(0) }),
});

/** TensorFlow's TF_CONFIG: the chief is rank 0, then come the workers. */
function tensorflow(environment: Environment): Place | undefined {
  const text = environment.TF_CONFIG;
  if (text === undefined || text === '') return undefined;
  let config: z.infer<typeof tfConfig>;
  try {
    config = tfConfig.parse(JSON.parse(text));
  } catch (cause) {
    const form = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}';
    throw new ShardfeedError('SHARDFEED_USAGE', `TF_CONFIG is not of the form ${form}`, { cause });
  }
  const { cluster, task } = config;
  const { chief = cluster.master ?? [], worker = [] } = cluster;
  if ((cluster.ps ?? []).length > 0) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      'TF_CONFIG has parameter servers (ps): training is by allreduce, leave them out',
    );
  }
  const own = { chief: 0, master: 0, worker: chief.length }[task.type];
  const all = [...chief, ...worker];
  if (own === undefined || task.index >= (task.type === 'worker' ? worker : chief).length) {
    const advice = 'start shardfeed as chief or worker; evaluation is part of training, not a task of its own';
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `TF_CONFIG: the cluster has no ${task.type} ${task.index} that trains: ${advice}`,
    );
  }
  const rank = own + task.index;
  const parts = all.map((host) => /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(host));
  const odd = parts.indexOf(null);
  if (odd >= 0) throw new ShardfeedError('SHARDFEED_USAGE', `TF_CONFIG: ${JSON.stringify(all[odd])} is not host:port`);
  const names = parts.map((part) => part![1] ?? part![2]!);
  return {
    source: 'TF_CONFIG',
    rank,
    worldSize: all.length,
    localRank: names.slice(0, rank).filter((name) => name === names[rank]).length,
    localWorldSize: names.filter((name) => name === names[rank]).length,
    address: names[0],
    port: Number(parts[0]![3]),
    listen: all[rank],
  };
}

function openmpi(environment: Environment): Place | undefined {
  const rank = whole(environment, 'OMPI_COMM_WORLD_RANK');
  if (rank === undefined) return undefined;
  return {
    source: 'Open MPI (OMPI_COMM_WORLD_RANK)',
    rank,
    worldSize: needed(environment, 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_RANK'),
    localRank: whole(environment, 'OMPI_COMM_WORLD_LOCAL_RANK'),
    localWorldSize: whole(environment, 'OMPI_COMM_WORLD_LOCAL_SIZE'),
    jobId: environment.PMIX_NAMESPACE,
  };
}

/** MPICH's mpiexec, Intel MPI. */
function pmi(environment: Environment): Place | undefined {
  const rank = whole(environment, 'PMI_RANK');
  if (rank === undefined) return undefined;
  return {
    source: 'PMI (PMI_RANK)',
    rank,
    worldSize: needed(environment, 'PMI_SIZE', 'PMI_RANK'),
    localRank: whole(environment, 'MPI_LOCALRANKID'),
    localWorldSize: whole(environment, 'MPI_LOCALNRANKS'),
    jobId: environment.PMI_JOBID,
  };
}

/** PMIx says no size in the environment; Open MPI, which uses it, does. */
function pmix(environment: Environment): Place | undefined {
  const rank = whole(environment, 'PMIX_RANK');
  if (rank === undefined || environment.OMPI_COMM_WORLD_SIZE !== undefined) return undefined;
  return {
    source: 'PMIx (PMIX_RANK)',
    rank,
    worldSize: configuredSize(environment, 'PMIX_RANK'),
    jobId: environment.PMIX_NAMESPACE,
  };
}

/** A Job with completionMode: Indexed; its pods are called <job>-<index> within the subdomain of a headless service. */
function kubernetes(environment: Environment): Place | undefined {
  const rank = whole(environment, 'JOB_COMPLETION_INDEX');
  if (rank === undefined) return undefined;
  const { HOSTNAME: pod = '', SHARDFEED_SERVICE: service } = environment;
  const job = pod.endsWith(`-${rank}`) ? pod.slice(0, -`-${rank}`.length) : undefined;
  if (service !== undefined && job === undefined) {
    const what = `SHARDFEED_SERVICE is set, but the pod's name, HOSTNAME=${pod}, does not end with its index ${rank}`;
    throw new ShardfeedError('SHARDFEED_USAGE', `${what}: set MASTER_ADDR to the name of the pod with index 0 instead`);
  }
  return {
    source: 'Kubernetes (JOB_COMPLETION_INDEX)',
    rank,
    worldSize: configuredSize(environment, 'JOB_COMPLETION_INDEX'),
    localRank: 0,
    localWorldSize: 1,
    address: service === undefined ? undefined : `${job}-0.${service}`,
    // The service's names lead here from elsewhere, and are known a while after the pod runs.
    listen: '0.0.0.0',
    jobId: job,
  };
}

/** @throws SHARDFEED_USAGE for what is no whole number */
export function whole(environment: Environment, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ShardfeedError('SHARDFEED_USAGE', `${name} must be a whole number, not ${JSON.stringify(text)}`);
}

function needed(environment: Environment, name: string, because: string): number {
  const value = whole(environment, name);
  if (value !== undefined) return value;
  throw new ShardfeedError('SHARDFEED_USAGE', `${because} is set, but ${name} is not: set both, or neither`);
}

function configuredSize(environment: Environment, because: string): number {
  const size = whole(environment, 'SHARDFEED_WORLD_SIZE') ?? whole(environment, 'WORLD_SIZE');
  if (size !== undefined) return size;
  const what = `${because} tells the rank, but nothing tells how many ranks there are`;
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    `${what}: set SHARDFEED_WORLD_SIZE (the Job's completions, mpiexec's -n)`,
  );
}
