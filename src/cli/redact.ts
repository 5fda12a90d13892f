import { parseUrl } from '../kernel/parse-url.js'
import { readWords } from '../kernel/read-words.js'

const HIDDEN = '***'
/** Shorter secrets are hidden only where they stand alone, or every message would be eaten by them. */
const SHORT_CHARACTERS = 4

/** Takes what must not be read out of messages: the secrets it was told, and the credentials of any URL. */
export class Redactor {
  private readonly secrets = new Set<string>()

  /** Empty and missing secrets are ignored. Of a secret that is a URL the password is a secret of its own; of one that is a JSON object every word. */
  learn(secret: string | null | undefined): void {
    if (secret === null || secret === undefined || secret === '') return
    this.secrets.add(secret)
    for (const word of Object.values(readWords(secret) ?? {})) if (word !== '') this.secrets.add(word)
    const password = passwordOf(secret)
    if (password !== null) this.secrets.add(password)
  }

  redact(text: string): string {
    let clean = text
    for (const secret of [...this.secrets].sort((a, b) => b.length - a.length)) {
      clean =
        secret.length >= SHORT_CHARACTERS
          ? clean.replaceAll(secret, HIDDEN)
          : clean.replace(new RegExp(`(?<![\\p{L}\\p{N}_])${escapePattern(secret)}(?![\\p{L}\\p{N}_])`, 'gu'), HIDDEN)
    }
    return clean.replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]*:[^\s/?#]*@/gi, `$1${HIDDEN}@`)
  }
}

function passwordOf(secret: string): string | null {
  const url = parseUrl(secret)
  if (url === null) return null
  const { password } = url
  try {
    return password === '' ? null : decodeURIComponent(password)
  } catch {
    return password
  }
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
