import { Failure } from '../../kernel/errors.js'

/** The bucket does not come back, or takes nothing any more: the run ends. */
export class BucketLost extends Failure {
  constructor(failure: Failure, words: string) {
    const hint = failure.hint ?? 'run it again when the bucket answers: what is done is not done again'
    super(failure.code, `${words}: ${failure.message}`, { hint, cause: failure })
  }
}

/** The journal of a tenant cannot be written or read: its other files are not come to in this run. */
export class JournalLost extends Failure {
  constructor(failure: Failure) {
    const hint = failure.hint ?? 'run it again: what is done is not done again'
    super(failure.code, `the journal cannot be written: ${failure.message}`, { hint, cause: failure })
  }
}
