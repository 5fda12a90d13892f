import { Parser } from 'htmlparser2'

/** Wider than what sanitising lets pass, and written apart from it: whatever is not here would be news. */
const TAGS = new Set(
  (
    'p a br img div span em strong li ul ol h1 h2 h3 h4 h5 h6 b i u s q blockquote code pre td tr th table tbody thead tfoot caption col ' +
    'colgroup figure figcaption hr sub sup small big del ins abbr acronym cite mark time dl dt dd kbd samp var tt strike center font details ' +
    'summary dfn ruby rb rt rtc rp wbr bdi bdo address article aside section header footer main nav hgroup picture source audio video track'
  ).split(' '),
)

const ATTRIBUTES = new Set(
  (
    'href rel title src alt width height loading colspan rowspan start reversed value type datetime dir lang cite srcset sizes controls ' +
    'preload poster scope span headers open decoding referrerpolicy'
  ).split(' '),
)

const URL_ATTRIBUTES = new Set(['href', 'src', 'poster', 'cite'])

/** What a browser should not be given, found by a tokenizer of its own; none when the HTML is safe. */
export function htmlFaults(html: string): string[] {
  const faults = new Set<string>()
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (!TAGS.has(name)) faults.add(`tag <${name.slice(0, 40)}>`)
        for (const fault of attributeFaults(name, attributes)) faults.add(fault)
      },
      oncomment: () => faults.add('comment'),
      onprocessinginstruction: name => faults.add(`instruction ${name.slice(0, 20)}`),
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true, recognizeSelfClosing: false },
  )
  parser.end(html)
  return [...faults]
}

function* attributeFaults(tag: string, attributes: Readonly<Record<string, string>>): Generator<string> {
  for (const [name, value] of Object.entries(attributes)) {
    if (!ATTRIBUTES.has(name)) yield `attribute ${tag} ${name.slice(0, 40)}`
    if (URL_ATTRIBUTES.has(name) && !isSafeUrl(value, tag)) yield `url ${tag} ${name}`
    if (name === 'srcset' && !candidatesOf(value).every(url => isSafeUrl(url, tag))) yield `url ${tag} srcset`
  }
  if (tag === 'a' && attributes.href !== undefined && !/\bnoopener\b/.test(attributes.rel ?? '')) yield 'link without rel'
  if (tag === 'img' && attributes.src === undefined) yield 'image without src'
  if (tag === 'img' && attributes.loading !== 'lazy') yield 'image not lazy'
  if (tag === 'img' && (isDot(attributes.width) || isDot(attributes.height))) yield 'tracking pixel'
}

function isSafeUrl(text: string, tag: string): boolean {
  const bare = text.trim()
  const allowed = tag === 'a' ? /^(?:https?:\/\/|mailto:|tel:)/i : /^https?:\/\//i
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return allowed.test(bare) && !/[\0-\x1F\\]/.test(bare.replace(/[?#].*$/s, ''))
}

function candidatesOf(srcset: string): string[] {
  return srcset.split(/,\s+/).map(candidate => candidate.trim().split(/\s/)[0] ?? '')
}

function isDot(size: string | undefined): boolean {
  return size !== undefined && /^\s*[01](?:px)?\s*$/.test(size)
}
