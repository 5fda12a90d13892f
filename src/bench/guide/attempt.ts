import { isFailure, wordsOf } from '../../kernel/errors.js'
import type { Look } from '../judging.js'

/** A part of a benchmark that was measured, or why it could not be. */
export type Attempt<Part> = { readonly part: Part; readonly why: null } | { readonly part: null; readonly why: string }

/** Lets a part fail without taking the others with it; `onBug` hears what is none of feedctl's refusals. @throws the signal's reason */
export async function attempt<Part>(
  deed: () => Promise<Part>,
  signal: AbortSignal,
  onBug: (error: unknown) => void = () => {},
): Promise<Attempt<Part>> {
  try {
    return { part: await deed(), why: null }
  } catch (error) {
    // Ctrl-C reaches the children too: what fails because they are gone is the interruption.
    signal.throwIfAborted()
    if (!isFailure(error)) onBug(error)
    return { part: null, why: reasonIn(error) }
  }
}

/** A look of each round in which the part was asked for (it is not null). */
export function looksOf<Part>(attempts: readonly (Attempt<Part> | null)[], look: (part: Part) => Look): Look[] {
  return attempts.flatMap(one => {
    if (one === null) return []
    return [one.why === null ? look(one.part) : { value: null, faults: [one.why] }]
  })
}

function reasonIn(error: unknown): string {
  const words = wordsOf(error)
  return isFailure(error) && error.hint !== null ? `${words} (try: ${error.hint})` : words
}
