import type { SerializedError } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'

/** Says, as the last line of the run, `N passed, N failed, N skipped`. Whatever fails the run without being a test counts as failed too. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      count.failed += module.errors().length
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        count[state === 'pending' ? 'skipped' : state]++
      }
    }
    // The other reporters have their last word first, whichever order they are told in.
    process.once('exit', status => {
      const failed = status === 0 ? count.failed : Math.max(count.failed, 1)
      process.stdout.write(`${count.passed} passed, ${failed} failed, ${count.skipped} skipped\n`)
    })
  }
}
