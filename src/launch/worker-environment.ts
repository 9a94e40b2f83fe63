/** File descriptor of the guard's pipe. */
export const GUARD_FD = 'SHARDFEED_GUARD_FD';
/** The file that the launcher itself has made for the job's secret, which the guard deletes when the launcher is gone. */
export const GUARD_SECRET = 'SHARDFEED_GUARD_SECRET';

export interface WorkerPlace {
  readonly rank: number;
  readonly worldSize: number;
  readonly address: string;
  readonly port: number;
  readonly jobId: string;
  readonly attempt: number;
  readonly secretFile: string;
}

/**
 * What a worker of one machine finds in its environment: torchrun's names, and ours. Other systems' variables do not count, nor what they
 * say of where to listen and of secrets: the launcher itself may have been started by one of them.
 */
export function workerEnvironment(place: WorkerPlace, launcherFd: number, guardFd: number): NodeJS.ProcessEnv {
  const { rank, worldSize } = place;
  return {
    SHARDFEED_RANKS_FROM: 'torchrun',
    TORCHELASTIC_USE_AGENT_STORE: undefined,
    SHARDFEED_LISTEN: undefined,
    SHARDFEED_SECRET: undefined,
    RANK: String(rank),
    LOCAL_RANK: String(rank),
    WORLD_SIZE: String(worldSize),
    LOCAL_WORLD_SIZE: String(worldSize),
    MASTER_ADDR: place.address,
    MASTER_PORT: String(place.port),
    SHARDFEED_JOB_ID: place.jobId,
    SHARDFEED_ATTEMPT: String(place.attempt),
    SHARDFEED_SECRET_FILE: place.secretFile,
    SHARDFEED_LAUNCHER_FD: String(launcherFd),
    [GUARD_FD]: String(guardFd),
    [GUARD_SECRET]: place.secretFile,
  };
}
