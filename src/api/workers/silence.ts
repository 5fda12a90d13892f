/** Between two questions. */
export const ASK_EVERY_MS = 5_000
/** Generous: on a busy machine an answer may take seconds. */
const MOST_UNANSWERED = 6

/** How long a worker was silent, in questions: where the one that asks was held up itself, no time has passed. */
export class Silence {
  private unanswered = 0

  broken(): void {
    this.unanswered = 0
  }

  /** To be asked before each question. */
  isTooLong(): boolean {
    this.unanswered++
    return this.unanswered > MOST_UNANSWERED
  }
}
