import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders whose tests start processes and wait for them, slowest first. */
const SLOW = ['/test/e2e/', '/test/commands/', '/test/feeds/fuzz/', '/test/bench/', '/test/redis/', '/test/queues/']

/** A long test that begins last is waited for alone. */
export default class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b))
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = SLOW.findIndex(folder => moduleId.includes(folder))
  return rank === -1 ? SLOW.length : rank
}
