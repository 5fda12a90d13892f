import { Failure } from '../../kernel/errors.js'
import { type MediaName, parseMediaName } from '../names.js'

export const FORMAT = 'feedctl-manifest 1'
const SIGNATURE = /^hmac-sha256 ([0-9a-f]{64})$/

/** Whose files they are, and when they were listed. */
export interface ManifestHead {
  readonly tenantId: number
  readonly slug: string
  /** Of the installation. */
  readonly catalogId: string
  /** Epoch ms. */
  readonly createdAt: number
}

export interface ManifestFile {
  readonly sha256: string
  readonly bytes: number
  readonly name: MediaName
}

export interface ManifestSum {
  readonly files: number
  readonly bytes: number
  /** Files that the journal has not hashed yet: they are not listed. */
  readonly unhashed: number
}

export function headLines({ tenantId, slug, catalogId, createdAt }: ManifestHead): string {
  return `${FORMAT}\ntenant ${tenantId} ${slug}\ncatalog ${catalogId}\ncreated ${new Date(createdAt).toISOString()}\n`
}

/** The name as a JSON string, in which whatever could end a line, or is not seen, is escaped: no name can forge a line. */
export function fileLine({ sha256, bytes, name }: ManifestFile): string {
  const shown = JSON.stringify(name).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)
  return `${sha256} ${bytes} ${shown}\n`
}

export function sumLine({ files, bytes, unhashed }: ManifestSum): string {
  return `end files=${files} bytes=${bytes} unhashed=${unhashed}\n`
}

export function signatureLine(signature: string): string {
  return `hmac-sha256 ${signature}\n`
}

/** Null for a line that is none. */
export function readSignature(line: string): string | null {
  return SIGNATURE.exec(line)?.[1] ?? null
}

/** Null for a line that is none. */
export function readSum(line: string): ManifestSum | null {
  const [, files, bytes, unhashed] = /^end files=(\d+) bytes=(\d+) unhashed=(\d+)$/.exec(line) ?? []
  return files === undefined ? null : { files: Number(files), bytes: Number(bytes), unhashed: Number(unhashed) }
}

/** @throws {Failure} FILE_UNREADABLE for what is no manifest */
export function readHead(lines: readonly string[]): ManifestHead {
  const [, tenantId, slug] = /^tenant ([1-9]\d*) ([a-z0-9-]+)$/.exec(lines[1] ?? '') ?? []
  const [, catalogId] = /^catalog (\S+)$/.exec(lines[2] ?? '') ?? []
  const [, created] = /^created (\S+)$/.exec(lines[3] ?? '') ?? []
  const createdAt = Date.parse(created ?? '')
  if (lines[0] === FORMAT && slug !== undefined && catalogId !== undefined && !Number.isNaN(createdAt)) {
    return { tenantId: Number(tenantId), slug, catalogId, createdAt }
  }
  throw new Failure('FILE_UNREADABLE', 'this is no manifest of feedctl', { hint: 'feedctl media manifest <tenant> --out FILE' })
}

/** @throws {Failure} FILE_UNREADABLE naming the line */
export function readFileLine(line: string, number: number): ManifestFile {
  const [, sha256, bytes, name] = /^([0-9a-f]{64}) (\d+) (".*")$/.exec(line) ?? []
  try {
    if (sha256 !== undefined && name !== undefined)
      return { sha256, bytes: Number(bytes), name: parseMediaName(JSON.parse(name)) }
  } catch {}
  throw new Failure('FILE_UNREADABLE', `line ${number} of the manifest is none of a file`)
}

function escaped(character: string): string {
  return [...Array(character.length).keys()].map(at => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
}
