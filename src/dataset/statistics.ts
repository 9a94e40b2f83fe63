export { StatisticsCollector } from './statistics-collector.js';
export { type FeatureStatistics, type StatisticsJson, type TopValue, toStatisticsJson } from './statistics-json.js';
export { mergeStatistics, type PartialStatistics } from './statistics-partial.js';
