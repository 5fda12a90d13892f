import { hash } from 'node:crypto'

/** What differs between two failures of one kind, in the order it is taken out: each leaves the same mark, so that the sentence keeps its shape. */
const PARTICULARS: readonly (readonly [RegExp, string])[] = [
  [/(?<!\w)(["'`])(?:(?!\1).)*\1(?!\w)|“[^”]*”|«[^»]*»/g, '#'],
  [/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '#'],
  [/[^\s<>()]+@[^\s<>()]+/g, '#'],
  [/(?<![\w#])(?:[a-z]:)?[\w.~-]*(?:[\\/][\w.~%@+:-]+)+[\\/]?/gi, '#'],
  [/\[[0-9a-f]*:[0-9a-f:.]*(?:%\w+)?\](?::\d+)?/gi, '#'],
  // A token of feedctl's own, or a hash.
  [/(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{22}(?![\w-])/g, '#'],
  [/\b(?:[a-z0-9_-]+\.)+[a-z][a-z0-9_-]+(?::\d+)?/gi, '#'],
  [/\b(ENOTFOUND|EAI_AGAIN) [^\s:,()]+/g, '$1 #'],
  [/\b(tenant) [a-z0-9][\w-]*/g, '$1 #'],
  [/\blocalhost\b(?::\d+)?/gi, '#'],
  [/\b[a-z]+(?:_[a-z0-9]+)+\b/g, '#'],
  [/[\w.:%+-]*\d[\w.:%+-]*/g, '#'],
  [/\b[a-f]{8,}\b/gi, '#'],
  // One, where a sentence counts.
  [/(^|: )an? (?=[a-z])/gi, '$1# '],
]

const LONGEST = 400

/**
 * Eight hex digits that are the same for failures of one kind: of the first line of the reason without its numbers, ids, hosts, URLs,
 * paths, quoted words and tenants' names.
 */
export function fingerprintOf(reason: string): string {
  return hash('sha256', kindOf(reason)).slice(0, 8)
}

/** The reason as all failures of its kind have it. */
export function kindOf(reason: string): string {
  const [first = ''] = reason.trim().split('\n')
  const general = PARTICULARS.reduce((text, [pattern, mark]) => text.replace(pattern, mark), first.slice(0, LONGEST))
  return (
    general
      .toLowerCase()
      // A list is of one kind however long it is, and so are one and many.
      .replace(/#(?:(?:\s*[,;:/]\s*|\s+and\s+|\s+)#)+/g, '#')
      .replace(/# ([a-z]{3,}?)s\b/g, '# $1')
      .replace(/\s+/g, ' ')
      .trim()
  )
}
