import type { Topology } from './topology.ts';

export default {
  name: 'web-crawl',
  summary: 'Curates raw web crawl: WARC, WET, HTML.',
  operators: ['extract', 'url', 'language', 'rules'],
  scores: true,
} satisfies Topology;
