/** Control characters of a record must not reach the terminal: they could move the cursor, rewrite what stands above, or worse. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ');

/** The same for every text and key inside a value; `text` keeps its line breaks, for what wraps it takes care of them. */
export function printableAll<T>(value: T): T {
  const clean = (inner: unknown, key: string): unknown => {
    if (typeof inner === 'string') return key === 'text' ? inner : printable(inner);
    if (Array.isArray(inner)) return inner.map((item) => clean(item, ''));
    if (typeof inner !== 'object' || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).map(([name, item]) => [printable(name), clean(item, name)]));
  };
  return clean(value, '') as T;
}
