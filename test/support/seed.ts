/** The seed of whatever a run draws, SHARDFEED_TEST_SEED or 1: a run that failed fails again under it. */
export const SEED = Number(process.env.SHARDFEED_TEST_SEED ?? 1);
