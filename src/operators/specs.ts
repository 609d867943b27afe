/** What each operator of sift may say: the closed lists that `riffle describe` prints. */
import type { OperatorName } from '../../topologies/topology.ts';
import { filterReasons } from './filters/limits.ts';
import type { OperatorSpec } from './operator.ts';

export const operatorSpecs: Readonly<Record<OperatorName, OperatorSpec>> = {
  extract: {
    name: 'extract',
    summary: 'main text of an HTML page; plain text passes through',
    signals: [],
    reasons: ['extract.empty'],
  },
  url: {
    name: 'url',
    summary: 'normalised address, host and registered domain',
    signals: ['url/normalized@1'],
    reasons: [],
  },
  language: {
    name: 'language',
    summary: 'language of the first 1,000 characters (fastText lid.176)',
    signals: ['language/lid176@1'],
    reasons: ['language.confidence'],
  },
  rules: {
    name: 'rules',
    summary: 'heuristic rule profiles; they decide for the languages they were made for',
    signals: ['gopher@datatrove', 'gopher-repetition@datatrove', 'c4@datatrove', 'fineweb@datatrove'],
    reasons: filterReasons,
  },
};
