/** The words by name that the JSON is an object of; null when it is not. */
export function readWords(json: string): Readonly<Record<string, string>> | null {
  try {
    const read: unknown = JSON.parse(json)
    if (typeof read !== 'object' || read === null || Array.isArray(read)) return null
    const entries = Object.entries(read)
    return entries.every(([, word]) => typeof word === 'string') ? Object.fromEntries(entries) : null
  } catch {
    return null
  }
}
