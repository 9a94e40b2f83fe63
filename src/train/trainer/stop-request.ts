/** What a process that stopped on request, with a checkpoint, ends with: EX_TEMPFAIL of sysexits.h, "try again". */
export const STOPPED_EXIT_CODE = 75;
/** The same without a checkpoint: as if SIGTERM had ended it. */
export const UNSAVED_EXIT_CODE = 143;

/** Whether this process was asked to stop: by SIGTERM. A second one ends it at once, as if nobody listened. */
export class StopRequest {
  requested = false;
  readonly #listen = (): void => {
    this.requested = true;
    this.end();
  };

  constructor(enabled: boolean) {
    if (enabled) process.on('SIGTERM', this.#listen);
  }

  end(): void {
    process.off('SIGTERM', this.#listen);
  }
}
