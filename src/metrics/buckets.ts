/** Equal buckets of scores from 0 to 1. */
export const SCORE_BUCKETS = 20;
