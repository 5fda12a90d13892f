import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export interface SourceFile {
  /** From the root of the tree, with `/`. */
  readonly path: string
  readonly text: string
}

/** Every .ts, .tsx, .js and .cjs file under the folders, those that are not there skipped, in path order. */
export function sourceFiles(root: string, folders: readonly string[]): SourceFile[] {
  return folders
    .filter(folder => existsSync(join(root, folder)))
    .flatMap(folder => readdirSync(join(root, folder), { withFileTypes: true, recursive: true }))
    .filter(entry => entry.isFile() && /\.(tsx?|c?js)$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
    .map(path => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))
}
