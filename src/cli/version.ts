import { readFileSync } from 'node:fs'

/** The version of the nearest package.json above this file, which is two folders further up once it is built. */
export function readVersion(): string {
  let folder = new URL('./', import.meta.url)
  for (;;) {
    try {
      const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string }
      return version
    } catch (error) {
      const above = new URL('../', folder)
      if (above.href === folder.href) throw error
      folder = above
    }
  }
}
