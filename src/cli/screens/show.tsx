import { render } from 'ink'
import type { Screen } from '../ports.js'
import { createStyle } from '../style.js'
import { Canvas } from './canvas.js'
import { Picture } from './picture.js'
import type { Watched } from './reading.js'
import { TopScreen } from './top-screen.js'

/**
 * Shows the live screen until it is left by a key, or the signal aborts. The terminal is then as it was before.
 * @throws the signal's reason, and what went wrong in the screen itself
 */
export async function showTop(
  screen: Screen,
  watched: Watched,
  options: { everyMs: number; signal: AbortSignal },
): Promise<void> {
  const { stdin, stdout, stderr, unicode, colors } = screen
  const canvas = new Canvas(stdout)
  const { columns, rows } = canvas
  const surface = { columns, rows, style: createStyle({ colors, columns }), unicode }
  const top = new TopScreen(watched, { everyMs: options.everyMs, surface, redact: screen.redact })
  const onResize = () => {
    canvas.blank()
    top.resize(canvas.columns, canvas.rows)
    // Of a page that is the same as before ink tells nothing.
    canvas.write(top.lines().join('\n'))
  }
  const onAbort = () => top.leave()
  stdout.on('resize', onResize)
  options.signal.addEventListener('abort', onAbort, { once: true })
  if (options.signal.aborted) top.leave()
  screen.enter()
  // In debug mode ink hands every picture over whole: the canvas knows better than ink what of it a full terminal needs.
  const shown = render(<Picture screen={top} />, {
    ...{ stdin, stderr, stdout: canvas as unknown as NodeJS.WriteStream },
    ...{ debug: true, exitOnCtrlC: false, patchConsole: false, isScreenReaderEnabled: false },
  })
  try {
    await Promise.race([top.run(), shown.waitUntilExit()])
  } finally {
    top.leave()
    shown.unmount()
    stdout.off('resize', onResize)
    options.signal.removeEventListener('abort', onAbort)
    screen.leave()
  }
  options.signal.throwIfAborted()
}
