import type { Topology } from './topology.ts';

export default {
  name: 'dedup',
  summary: 'Drops exact and near duplicates, keeps everything else.',
  operators: [],
  scores: false,
} satisfies Topology;
