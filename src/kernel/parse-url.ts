/**
 * The URL, or null for what is none. Not `URL.canParse`: once Node 20 has optimised it, it takes text with letters such as ü, which
 * V8 keeps as Latin-1, for no URL (20.20.2: after a few thousand calls).
 */
export function parseUrl(text: string, base?: string): URL | null {
  try {
    return new URL(text, base)
  } catch {
    return null
  }
}
