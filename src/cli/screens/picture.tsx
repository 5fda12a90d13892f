import { Box, type Key, Text, useInput } from 'ink'
import { type ReactNode, useEffect, useSyncExternalStore } from 'react'
import type { KeyName } from './keys.js'
import type { TopScreen } from './top-screen.js'

/** The page of a screen as it is now, and its keys. */
export function Picture({ screen }: { screen: TopScreen }): ReactNode {
  const lines = useSyncExternalStore(screen.subscribe, screen.lines)
  useInput((input, key) => {
    for (const name of keyNames(input, key)) screen.press(name)
  })
  // React measures each of its renders outside of production, and Node keeps the measures for ever.
  useEffect(() => performance.clearMeasures())
  return (
    <Box flexDirection="column">
      {lines.map((line, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is its row
        <Text key={row} wrap="truncate">
          {line === '' ? ' ' : line}
        </Text>
      ))}
    </Box>
  )
}

/** What was pressed: one name, or one for each character that arrived at once. */
function keyNames(input: string, key: Key): KeyName[] {
  if (key.ctrl) return [`ctrl-${input}`]
  if (key.upArrow) return ['up']
  if (key.downArrow) return ['down']
  if (key.leftArrow) return ['left']
  if (key.rightArrow) return ['right']
  if (key.tab) return [key.shift ? 'shift-tab' : 'tab']
  if (key.escape) return ['escape']
  if (key.return) return ['enter']
  return key.meta ? [] : [...input]
}
