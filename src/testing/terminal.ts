import type { Terminal } from '../cli/terminal.ts';

/** Nobody watches, and the environment is empty. */
export const silentTerminal: Terminal = {
  version: 'test',
  riffle: 'riffle',
  interactive: false,
  variable: () => undefined,
  exit: () => undefined,
};
