import type { Launched, LaunchOptions } from '../../src/launch/index.js';
import type { Place } from './places.mjs';

export type Phase = 'rendezvous' | 'forward' | 'collective' | 'write' | 'rename' | 'evaluate';

/** What befalls a rank in an attempt (default: the first): it dies, is stopped by SIGSTOP, or computes for ever. */
export interface Blow {
  readonly attempt?: number;
  readonly rank: number;
  readonly phase: Phase;
  readonly step?: number;
  /** Microseconds from the moment to its death. */
  readonly micros?: number;
  readonly act?: 'stop' | 'spin';
}

/** What a rank writes down: where an attempt begins, and which records a step of it is made of. */
export interface JournalLine {
  readonly attempt: number;
  readonly from?: number;
  readonly step?: number;
  readonly ids?: readonly number[];
}

export interface TrainConfig {
  readonly blows?: readonly Blow[];
  /** Seconds. */
  readonly deadlines?: { readonly silence?: number; readonly step?: number };
  /** A step takes so long, and three times as long on the rank. */
  readonly slow?: { readonly rank: number; readonly ms: number };
}

/** Makes the dataset that `train` trains on. */
export function makeDataset(place: Place): Promise<void>;

export function train(
  options: {
    readonly place: Place;
    /** Of checkpoints, in the place. */
    readonly folder: string;
    readonly config?: TrainConfig;
  } & Omit<LaunchOptions, 'script' | 'args' | 'env' | 'onLine'>,
): Promise<{
  readonly launched: Launched;
  readonly journals: readonly (readonly JournalLine[])[];
  readonly weights: readonly Buffer[];
  readonly lines: readonly string[];
}>;

/** @throws where the steps whose updates survive do not hold every record of each epoch once */
export function checkHistory(journals: readonly (readonly JournalLine[])[]): void;

export function killTrainCampaign(options: {
  readonly count: number;
  readonly seed: number;
  readonly workers?: number;
  readonly place?: Place;
  readonly phases?: readonly Phase[];
  readonly log?: (line: string) => void;
}): Promise<{ kills: Partial<Record<Phase, number>>; longest: number }>;
