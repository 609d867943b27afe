/**
 * Questions about single partitions that are asked in one turn of the event loop travel together: to a broker, many cost as little as one.
 * @param ask about different partitions; what is not in its answer is undefined
 */
export function gather<T>(
  ask: (partitions: readonly number[]) => Promise<ReadonlyMap<number, T>>,
): (partition: number) => Promise<T | undefined> {
  let open: { readonly partitions: Set<number>; readonly answer: Promise<ReadonlyMap<number, T>> } | undefined;

  function begin() {
    const partitions = new Set<number>();
    const answer = Promise.resolve().then(() => {
      open = undefined;
      return ask([...partitions]);
    });
    return { partitions, answer };
  }

  return async (partition) => {
    open ??= begin();
    open.partitions.add(partition);
    return (await open.answer).get(partition);
  };
}
