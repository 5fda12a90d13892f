import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { brotliCompressSync } from 'node:zlib'

const FILES = {
  'frame.css': 'text/css; charset=utf-8',
  'top.css': 'text/css; charset=utf-8',
  'door.css': 'text/css; charset=utf-8',
  'parts.css': 'text/css; charset=utf-8',
  'phone.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'theme.js': 'text/javascript; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'connection.js': 'text/javascript; charset=utf-8',
  'elements.js': 'text/javascript; charset=utf-8',
  'figures.js': 'text/javascript; charset=utf-8',
  'history.js': 'text/javascript; charset=utf-8',
  'panels.js': 'text/javascript; charset=utf-8',
  'tables.js': 'text/javascript; charset=utf-8',
} as const
const PAGES = ['dashboard.html', 'login.html', 'notice.html', 'again.html'] as const

export type PageName = (typeof PAGES)[number]

export interface Asset {
  readonly type: string
  readonly bytes: Buffer
  readonly brotli: Buffer
}

/** The files of the dashboard, as this feedctl has them. */
export class Assets {
  /** Of all files together: they are addressed by it, so that what a browser keeps is never of another version. */
  readonly version: string
  private readonly files: ReadonlyMap<string, Asset>
  private readonly pages: ReadonlyMap<PageName, string>

  constructor() {
    const require = createRequire(import.meta.url)
    const read = (name: string) => readFileSync(require.resolve(`#ops-page/${name}`))
    const files = Object.entries(FILES).map(([name, type]) => [name, type, read(name)] as const)
    const hash = createHash('sha256')
    for (const [name, , bytes] of files) hash.update(name).update(bytes)
    this.version = hash.digest('base64url').slice(0, 16)
    this.files = new Map(files.map(([name, type, bytes]) => [name, { type, bytes, brotli: brotliCompressSync(bytes) }]))
    this.pages = new Map(PAGES.map(name => [name, read(name).toString('utf8')]))
  }

  find(name: string): Asset | null {
    return this.files.get(name) ?? null
  }

  /** The page with the texts in place of `%name%`; `%assets%` is where the files are. */
  page(name: PageName, texts: Readonly<Record<string, string>> = {}): string {
    const all: Readonly<Record<string, string>> = { ...texts, assets: `/ops/assets/${this.version}` }
    return (this.pages.get(name) ?? '').replace(/%(\w+)%/g, (_, key: string) => asText(all[key] ?? ''))
  }
}

function asText(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
