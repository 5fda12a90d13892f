/** Settles when all have. @throws what the first of them throws */
export async function allKept(keeping: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(keeping)).find(({ status }) => status === 'rejected')
  if (failed !== undefined) await Promise.reject((failed as PromiseRejectedResult).reason)
}
