/**
 * When something that was acknowledged is missing from a log (docs/protocol.md, "Repair"). Somebody says how far it is acknowledged; what the log holds is
 * looked at after that, so everything below lies before the end that is seen then. Read up to there without finding it: it is lost. The end is remembered,
 * for a log that grows all the time is never read to its end.
 */
export interface LossAlarm {
  /**
   * @param found up to where it was found, reading
   * @param said up to where it was acknowledged, as read before this call
   * @param read the next offset of the log to be read
   * @returns the end of the log without it, when it is missing. The next call looks at the log anew: it may have come since.
   */
  look(found: bigint, said: bigint, read: bigint, endOf: () => Promise<bigint>): Promise<bigint | undefined>;
}

/** For one kind of thing in one partition of one log. */
export function createLossAlarm(): LossAlarm {
  let suspected: { readonly said: bigint; readonly end: bigint } | undefined;
  return {
    async look(found, said, read, endOf) {
      if (suspected !== undefined && found >= suspected.said) suspected = undefined;
      if (suspected === undefined && found < said) suspected = { said, end: await endOf() };
      if (suspected === undefined || read < suspected.end) return undefined;
      const { end } = suspected;
      suspected = undefined;
      return end;
    },
  };
}
