const OWNER = '# feedctl in '

/** How feedctl is started by another program, which has neither its environment nor its folder. Paths are absolute. */
export interface Invocation {
  readonly node: string
  readonly bin: string
  /** Null when there is none. */
  readonly envFile: string | null
  /** The working folder: relative paths of the settings begin there. */
  readonly folder: string
}

/** A line of all that is placed for other programs: whose it is. Two installations on one machine differ in it. */
export function ownerLine({ folder, envFile }: Invocation): string {
  return `${OWNER}${folder}, with ${envFile ?? 'no env file'}`
}

/** The line in what was placed; null when there is none. */
export function ownerIn(text: string): string | null {
  return text.split(/\r?\n/).find(line => line.startsWith(OWNER)) ?? null
}

/** What is begun by itself where nothing of feedctl runs all the time. */
export const DEEDS = {
  sync: ['sync', '--all', '--quiet'],
  prune: ['feed', 'prune', '--all', '--quiet'],
  pruneMedia: ['media', 'prune', '--quiet'],
  remove: ['tenant', 'delete', '--due', '--yes', '--quiet'],
} as const

/** The words of a command line that runs the deed. */
export function wordsOfDeed(invocation: Invocation, deed: readonly string[]): string[] {
  const envFile = invocation.envFile === null ? [] : ['--env-file', invocation.envFile]
  // Without the two dashes Node takes the env file for its own, and ends when it is not there.
  return [invocation.node, '--', invocation.bin, ...deed, ...envFile]
}
