export { makePlan, type Plan, type PlanFacts, type PlannedPart, type PlanOptions, type RankPlan } from './plan.js';
export { type OrderQuality, orderQuality, qualityOf, shuffleBuffer } from './shuffle-quality.js';
