export {
  MOST_AMPLIFICATION,
  makePlan,
  type Plan,
  type PlanOptions,
  planFactsOf,
  type RankPlan,
} from './plan.js';
export { type OrderQuality, orderQuality, qualityOf, shuffleBuffer } from './shuffle-quality.js';
