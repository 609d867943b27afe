/** So many pieces of work at once; the others wait, first come first served. */
export interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(limit: number): Turns {
  let taken = 0;
  const waiting: (() => void)[] = [];
  return {
    async take(work) {
      // Who waits is handed the turn of who goes.
      if (taken === limit) await new Promise<void>((go) => waiting.push(go));
      else taken++;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) taken--;
        else next();
      }
    },
  };
}
