import { validateHeaderName, validateHeaderValue } from 'node:http'
import { Failure } from '../../kernel/errors.js'

/** Names in lower case. */
export type RequestHeaders = Readonly<Record<string, string>>

/** They say how a request is sent, which the generator decides. */
const OWN = new Set(['connection', 'content-length', 'transfer-encoding', 'upgrade', 'keep-alive', 'te', 'expect'])

/**
 * Lines of `Name: value`; empty lines and those that begin with # are none. A name that comes twice has its last value.
 * @param from where they are, for the words: a value is never among them
 * @throws {Failure} USAGE for what is no header, or none that may be sent
 */
export function headersIn(lines: readonly string[], from: string): RequestHeaders {
  const headers: Record<string, string> = {}
  lines.forEach((line, n) => {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) return
    const at = text.indexOf(':')
    const [name, value] = [text.slice(0, Math.max(0, at)).trim().toLowerCase(), text.slice(at + 1).trim()]
    if (!isHeader(name, value)) throw new Failure('USAGE', `line ${n + 1} of ${from} is no header`, { hint: 'Name: value' })
    if (OWN.has(name)) throw new Failure('USAGE', `the header ${name} cannot be set: ${from}`)
    headers[name] = value
  })
  return headers
}

/** As they are sent: a Host that was told goes before that of the URL. */
export function requestText(path: string, host: string, headers: RequestHeaders): string {
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}
