/** Back-pressure in tokens: who would hand in more than the credit waits, first come first served. */
export interface Credit {
  /** Resolves when so many tokens fit, or when nothing is under way: a request above the whole credit goes alone. */
  room(tokens: number): Promise<void>;
  add(tokens: number): void;
  /** Tokens are done with. */
  release(tokens: number): void;
  /** Nobody gets room until `resume`. */
  pause(): void;
  resume(): void;
  /** Everybody gets room from now on. */
  end(): void;
  readonly tokens: number;
}

export function createCredit(limitTokens: number): Credit {
  let tokens = 0;
  let paused = false;
  let ended = false;
  const waiting: { readonly tokens: number; readonly go: () => void }[] = [];
  const fits = (used: number, more: number): boolean =>
    ended || (!paused && (used === 0 || used + more <= limitTokens));

  function letGo(): void {
    // What has been let go is not handed in yet, but will be.
    for (let used = tokens; waiting.length > 0 && fits(used, waiting[0]!.tokens); ) {
      const next = waiting.shift()!;
      used += next.tokens;
      next.go();
    }
  }

  return {
    room(more) {
      if (waiting.length === 0 && fits(tokens, more)) return Promise.resolve();
      return new Promise((go) => waiting.push({ tokens: more, go }));
    },
    add(more) {
      tokens += more;
    },
    release(less) {
      tokens -= less;
      letGo();
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      letGo();
    },
    end() {
      ended = true;
      letGo();
    },
    get tokens() {
      return tokens;
    },
  };
}
