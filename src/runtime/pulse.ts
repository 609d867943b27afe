/** Whether the stages of a process move: what `/livez` answers. */
export interface Pulse {
  /** The main loop of a stage has come round. */
  turned(stage: string): void;
  /** It waits for another stage now, for as long as that takes. */
  rests(stage: string): void;
  /** Stages that have stood for too long although there is something to read. */
  standing(hasLag: (stage: string) => boolean): Standing[];
}

export interface Standing {
  readonly stage: string;
  readonly seconds: number;
}

/** Longer than any request is tried again for, several of them one after another. */
const LIMIT_MS = 600_000;

export function createPulse(nowMs: () => number = () => performance.now()): Pulse {
  const turnedMs = new Map<string, number>();
  return {
    turned: (stage) => void turnedMs.set(stage, nowMs()),
    rests: (stage) => void turnedMs.delete(stage),
    standing(hasLag) {
      const stood = [...turnedMs].map(([stage, atMs]) => ({ stage, seconds: (nowMs() - atMs) / 1000 }));
      return stood.filter(({ stage, seconds }) => 1000 * seconds > LIMIT_MS && hasLag(stage));
    },
  };
}
