/** A stretch of tokens that waits to be scored; `order` rises with arrival. */
export interface Waiting {
  readonly length: number;
  readonly order: number;
}

export interface Batch<T> {
  /** Every row has this many tokens, padding included. */
  readonly width: number;
  readonly windows: readonly T[];
}

export interface BatchLimits {
  /** Rows × width stays at or below it, unless one window alone is above. */
  readonly budgetTokens: number;
  /** Widths are multiples of it, or the greatest length. */
  readonly stepTokens: number;
  readonly maxTokens: number;
}

/** Tokens of a row for a window of this length. */
export const widthFor = (length: number, { stepTokens, maxTokens }: BatchLimits): number =>
  Math.min(maxTokens, Math.ceil(length / stepTokens) * stepTokens);

export interface WindowQueue<T extends Waiting> {
  push(window: T): void;
  /** Puts windows of a batch back to where they were. */
  putBack(windows: readonly T[]): void;
  /** The next batch; nothing when nothing waits. */
  take(): Batch<T> | undefined;
  clear(): void;
}

/** Padding that a batch may have: as much as starting another one would cost, or this part of it. */
const SLACK_TOKENS = 512;
const SLACK = 0.03;

/**
 * Windows of about one length go together. A batch is built around the window that waits longest, so nothing starves, and grows to the nearest lengths
 * on both sides as long as they fit in the budget and padding stays small. One first-in-first-out list for each width makes this a walk over
 * few lists, whatever waits.
 */
export function createWindowQueue<T extends Waiting>(limits: BatchLimits): WindowQueue<T> {
  const { budgetTokens, stepTokens } = limits;
  const lists: T[][] = [];
  const listOf = (length: number): number => Math.ceil(length / stepTokens);
  const widthOf = (list: number): number => widthFor(list * stepTokens, limits);
  const sizeOf = (list: number): number => lists[list]?.length ?? 0;
  /** The next list that is not empty, going up or down; −1 when there is none. */
  function nearest(list: number, direction: 1 | -1): number {
    for (let i = list; i > 0 && i < lists.length; i += direction) if (sizeOf(i) > 0) return i;
    return -1;
  }

  function oldest(): number {
    let found = -1;
    for (let i = nearest(1, 1); i >= 0; i = nearest(i + 1, 1))
      if (found < 0 || lists[i]![0]!.order < lists[found]![0]!.order) found = i;
    return found;
  }

  function take(): Batch<T> | undefined {
    const start = oldest();
    if (start < 0) return undefined;
    const windows: T[] = [];
    let width = widthOf(start);
    let padding = 0;
    const free = (): number =>
      Math.max(windows.length === 0 ? 1 : 0, Math.floor(budgetTokens / width) - windows.length);
    const slack = (rows: number, tokens: number): number => Math.max(SLACK_TOKENS, SLACK * rows * tokens) - padding;
    const move = (list: number, count: number): void => void windows.push(...lists[list]!.splice(0, count));

    move(start, free());
    let below = nearest(start - 1, -1);
    let above = nearest(start + 1, 1);
    while (free() > 0 && (below >= 0 || above >= 0)) {
      const paddingBelow = width - widthOf(below);
      const paddingAbove = windows.length * (widthOf(above) - width);
      if (above < 0 || (below >= 0 && paddingBelow <= paddingAbove)) {
        const fits = Math.min(free(), Math.floor(slack(windows.length, width) / paddingBelow));
        const count = Math.min(fits, sizeOf(below));
        move(below, count);
        padding += count * paddingBelow;
        below = sizeOf(below) > 0 ? -1 : nearest(below - 1, -1);
      } else {
        const wider = widthOf(above);
        const rows = windows.length + 1;
        if (rows * wider > budgetTokens || paddingAbove > slack(rows, wider)) {
          above = -1;
          continue;
        }
        width = wider;
        padding += paddingAbove;
        move(above, free());
        above = nearest(above + 1, 1);
      }
    }
    return { width, windows };
  }

  return {
    push(window) {
      (lists[listOf(window.length)] ??= []).push(window);
    },
    putBack(windows) {
      for (const [list, back] of Map.groupBy(windows, ({ length }) => listOf(length))) {
        const merged = [...back, ...(lists[list] ?? [])];
        lists[list] = merged.sort((a, b) => a.order - b.order);
      }
    },
    take,
    clear() {
      lists.length = 0;
    },
  };
}
