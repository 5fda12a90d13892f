/** A file of a rendered deployment. */
export interface RenderedFile {
  /** Within the folder: the machine's name and its destination there, or a path of its own. */
  readonly path: string
  readonly text: string
  /** 0o644, or 0o755 of a program. */
  readonly mode: number
  /** The machine it is for; null for what is used from the folder itself. */
  readonly machine: string | null
  /** Where it goes on that machine, absolute. */
  readonly destination: string | null
  /** A sentence for the README. */
  readonly about: string
}

/** First line of what has comments of `#`. */
export const MARK = '# rendered by `feedctl infra render`: change the description and render again'

/** A file that a machine has at the destination. */
export function onMachine(machine: string, destination: string, about: string, text: string, mode = 0o644): RenderedFile {
  return { path: `${machine}${destination}`, text, mode, machine, destination, about }
}

/** A file that is used from the folder itself. */
export function inFolder(path: string, about: string, text: string): RenderedFile {
  return { path, text, mode: 0o644, machine: null, destination: null, about }
}
