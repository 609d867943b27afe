const MINUTE_MS = 60_000;

/**
 * Passes on one line a subject and minute, and then with how many there were: what fails for a thousand partitions is said once. The subject is what
 * stands before the first semicolon, whatever its numbers are.
 */
export function onceAMinute(
  write: (text: string) => void,
  nowMs: () => number = () => performance.now(),
): (text: string) => void {
  const said = new Map<string, { atMs: number; unsaid: number }>();
  return (text) => {
    const subject = text.split(';', 1)[0]!.replace(/\d+/g, '#');
    const before = said.get(subject);
    if (before !== undefined && nowMs() - before.atMs < MINUTE_MS) {
      before.unsaid++;
      return;
    }
    said.set(subject, { atMs: nowMs(), unsaid: 0 });
    write(before === undefined || before.unsaid === 0 ? text : `${text} (and ${before.unsaid} more like it since)`);
  };
}
