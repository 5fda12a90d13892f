import { createHmac, timingSafeEqual } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { type ManifestFile, type ManifestHead, readFileLine, readHead, readSignature, readSum, signatureLine } from './format.js'

const SIGNATURE_BYTES = signatureLine('0'.repeat(64)).length
const HEAD_LINES = 4
const FILES_AT_ONCE = 500

/** A manifest whose signature was checked. Whoever opens it closes it. */
export interface Manifest extends AsyncDisposable {
  readonly head: ManifestHead
  /** Its files, in batches. @throws {Failure} CHECK_FAILED when the file has changed since the signature was checked; FILE_UNREADABLE */
  files(): AsyncGenerator<readonly ManifestFile[]>
}

/**
 * Opens a manifest and checks its signature, reading it twice and never holding it. @throws {Failure} FILE_UNREADABLE; CHECK_FAILED when the key did not
 * sign these bytes
 */
export async function openManifest(path: string, key: string, signal: AbortSignal): Promise<Manifest> {
  const unreadable = (error: unknown) => new Failure('FILE_UNREADABLE', `${path}: ${wordsOf(error)}`, { cause: error })
  const file = await open(path, 'r').catch(error => Promise.reject(unreadable(error)))
  try {
    return await readSigned(file, key, signal)
  } catch (error) {
    await file.close()
    // A folder is opened, and cannot be read.
    throw error instanceof Error && 'syscall' in error ? unreadable(error) : error
  }
}

async function readSigned(file: FileHandle, key: string, signal: AbortSignal): Promise<Manifest> {
  const { size } = await file.stat()
  const signedBytes = size - SIGNATURE_BYTES
  const head: string[] = []
  const hmac = createHmac('sha256', key)
  for await (const line of signedLines(file, signedBytes, signal, chunk => hmac.update(chunk))) {
    if (head.length < HEAD_LINES) head.push(line)
  }
  const read = readHead(head)
  const signature = await signatureAt(file, signedBytes)
  const digest = hmac.digest()
  if (!timingSafeEqual(digest, signature)) throw forged()
  return {
    head: read,
    files: () => filesOf(file, signedBytes, { key, digest, signal }),
    [Symbol.asyncDispose]: () => file.close(),
  }
}

async function signatureAt(file: FileHandle, at: number): Promise<Buffer> {
  const buffer = Buffer.alloc(SIGNATURE_BYTES)
  await file.read(buffer, 0, SIGNATURE_BYTES, Math.max(0, at))
  const signature = readSignature(buffer.toString('utf8').trimEnd())
  if (signature === null) throw new Failure('CHECK_FAILED', 'the manifest has no signature at its end: it was cut')
  return Buffer.from(signature, 'hex')
}

async function* filesOf(
  file: FileHandle,
  signedBytes: number,
  { key, digest, signal }: { key: string; digest: Buffer; signal: AbortSignal },
): AsyncGenerator<readonly ManifestFile[]> {
  const hmac = createHmac('sha256', key)
  let [number, files, sum] = [0, 0, null as ReturnType<typeof readSum>]
  let batch: ManifestFile[] = []
  for await (const line of signedLines(file, signedBytes, signal, chunk => hmac.update(chunk))) {
    if (++number <= HEAD_LINES) continue
    sum = readSum(line)
    if (sum !== null) continue
    batch.push(readFileLine(line, number))
    files++
    if (batch.length < FILES_AT_ONCE) continue
    yield batch
    batch = []
  }
  yield batch
  if (!timingSafeEqual(digest, hmac.digest())) throw forged()
  if (sum?.files !== files) throw new Failure('FILE_UNREADABLE', `the manifest has ${files} files, its sum says ${sum?.files}`)
}

/** The lines of what is signed, without their ends. */
async function* signedLines(
  file: FileHandle,
  bytes: number,
  signal: AbortSignal,
  took: (chunk: Buffer) => void,
): AsyncGenerator<string> {
  if (bytes <= 0) return
  let rest = Buffer.alloc(0)
  for await (const chunk of file.createReadStream({ start: 0, end: bytes - 1, autoClose: false, signal })) {
    took(chunk as Buffer)
    rest = Buffer.concat([rest, chunk as Buffer])
    let begin = 0
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10, begin)) {
      yield rest.toString('utf8', begin, end)
      begin = end + 1
    }
    rest = rest.subarray(begin)
  }
}

function forged(): Failure {
  return new Failure(
    'CHECK_FAILED',
    'the signature of the manifest is not that of its content: it was changed, or signed with another key',
    {
      hint: 'FEEDCTL_MEDIA_KEY as it was when the manifest was made',
    },
  )
}
