/** Work on many things, a few at a time. */

/** `each` over the values, `limit` of them at a time, results in the order of the values. */
export async function mapLimited<T, R>(
  values: readonly T[],
  limit: number,
  each: (value: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array<R>(values.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < values.length) {
      const index = next++;
      results[index] = await each(values[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, values.length) }, worker));
  return results;
}
