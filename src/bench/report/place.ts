import { constants } from 'node:fs'
import { access, lstat, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { writeWhole } from '../../kernel/whole-file.js'
import { MARK } from './page.js'

/**
 * Whether a report can be written there, asked before anything is measured. A file there gives way when it is a report, or by `agreed`; a symbolic link never does:
 * what it leads to would stay.
 * @throws {Failure} FILE_EXISTS, FILE_UNREADABLE
 */
export async function checkReportPlace(path: string, agreed: boolean): Promise<void> {
  const folder = dirname(path)
  await access(folder, constants.W_OK | constants.X_OK).catch(error => {
    throw new Failure('FILE_UNREADABLE', `no report can be written to ${folder}: ${wordsOf(error)}`, { cause: error })
  })
  const there = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw new Failure('FILE_UNREADABLE', `no report can be written as ${path}: ${wordsOf(error)}`, { cause: error })
  })
  if (there === null) return
  if (there.isSymbolicLink()) {
    throw new Failure('FILE_EXISTS', `${path} is a symbolic link`, { hint: 'the file that it leads to' })
  }
  if (!there.isFile()) throw new Failure('FILE_UNREADABLE', `${path} is no file`, { hint: '--report <file>.html' })
  if (agreed || (await isReport(path))) return
  throw new Failure('FILE_EXISTS', `${path} exists, and is no report of feedctl bench`, {
    hint: 'another name, or the same command with --yes',
  })
}

/**
 * Whole or not at all. What came to be there since it was asked gives way as it would have then.
 * @throws {Failure} FILE_EXISTS, FILE_UNREADABLE, DISK_FULL
 */
export async function writeReport(path: string, page: string, agreed: boolean): Promise<void> {
  await writeWhole(path, { replace: true }, async file => {
    await file.writeFile(page)
    await checkReportPlace(path, agreed)
  })
}

async function isReport(path: string): Promise<boolean> {
  const file = await open(path).catch(error => {
    throw new Failure('FILE_UNREADABLE', `cannot read ${path}: ${wordsOf(error)}`, { cause: error })
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MARK.length), 0, MARK.length, 0)
    return buffer.toString('latin1', 0, bytesRead) === MARK
  } finally {
    await file.close()
  }
}
