/** Goes round and round what there is, one at a time, whatever comes and goes meanwhile: none is passed over twice before all others were. */
export class Rounds<T> {
  private round: Iterator<T> | null = null

  constructor(private readonly all: () => Iterator<T>) {}

  /** Undefined when there is nothing. */
  next(): T | undefined {
    const going = this.round?.next()
    if (going !== undefined && going.done !== true) return going.value
    this.round = this.all()
    const { done, value } = this.round.next()
    return done === true ? undefined : value
  }
}
