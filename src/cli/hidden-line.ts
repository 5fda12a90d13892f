import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { Failure } from '../kernel/errors.js'
import type { Outlet } from './ports.js'

/** A terminal that keys are read from. */
export type Keys = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown }

const END_OF_TEXT = '\u0003'
const END_OF_TRANSMISSION = '\u0004'
const ERASE_LINE = '\u0015'

/** Asks for one line that is not shown while it is typed. @throws {Failure} INTERRUPTED at Ctrl-C, and when the terminal goes away */
export function readHiddenLine(keys: Keys, outlet: Outlet, question: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8')
    let typed: string[] = []
    const end = (deed: () => void) => {
      signal.removeEventListener('abort', gone)
      keys.off('data', heard)
      keys.off('end', gone)
      keys.setRawMode?.(false)
      keys.pause()
      outlet.write('\n')
      deed()
    }
    const gone = () => end(() => reject(new Failure('INTERRUPTED', 'interrupted')))
    const heard = (chunk: Buffer) => {
      for (const key of decoder.write(chunk)) {
        if (key === '\r' || key === '\n') return end(() => resolve(typed.join('')))
        if (key === END_OF_TEXT || key === END_OF_TRANSMISSION) return gone()
        if (key === '\b' || key === '\u007f') typed.pop()
        else if (key === ERASE_LINE) typed = []
        else if (key >= ' ') typed.push(key)
      }
    }
    signal.addEventListener('abort', gone)
    outlet.write(question)
    keys.setRawMode?.(true)
    keys.on('data', heard)
    keys.on('end', gone)
    keys.resume()
  })
}
