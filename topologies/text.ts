import type { Topology } from './topology.ts';

export default {
  name: 'text',
  summary: 'Curates documents whose text is already extracted.',
  operators: ['language', 'rules'],
  scores: true,
} satisfies Topology;
