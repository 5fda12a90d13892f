import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface BinResult {
  /** Null when a signal ended it. */
  readonly exit: number | null
  readonly out: string
  readonly err: string
}

export const BIN = fileURLToPath(new URL('../../bin/feedctl.js', import.meta.url))

/** Runs node with nothing but the given environment; `onError` sees stderr as it grows. */
export function runNode(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly cwd?: string
    readonly onError?: (err: string, kill: (signal: NodeJS.Signals) => void) => void
  } = {},
): Promise<BinResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: options.cwd, env: { ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
      options.onError?.(err, signal => child.kill(signal))
    })
    child.on('error', reject)
    child.on('close', exit => resolve({ exit, out, err }))
  })
}
