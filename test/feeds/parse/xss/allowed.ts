import { Parser } from 'htmlparser2'
import { parseUrl } from '../../../../src/kernel/parse-url.js'

/** Written down once more, apart from the sanitiser's own list: a slip there must not excuse itself. */
const ALLOWED: Readonly<Record<string, string>> = {
  a: 'href rel title',
  img: 'src alt title width height loading',
  audio: 'src controls preload',
  video: 'src poster width height controls preload',
  source: 'src type',
  td: 'colspan rowspan dir',
  th: 'colspan rowspan dir',
  col: 'span',
  colgroup: 'span',
  ol: 'start dir',
  abbr: 'title',
  dfn: 'title',
  time: 'datetime',
}
const DIRECTED = ' p div span li ul h1 h2 h3 h4 h5 h6 blockquote pre table dl dt dd bdi bdo q '
const BARE =
  ' br em strong b i code tr tbody thead tfoot figure figcaption hr sub sup small u s del ins cite mark kbd samp var tt strike caption details summary ruby rt rp wbr '
const VOID = ' br hr img wbr col source '

/** The whole of what may be written: quoted attributes, and of references the four that escape. */
const TAG = '<(/?)([a-z][a-z0-9]*)((?: [a-z]+="[^"<>]*")*)( /)?>'
const TEXT = '[^<>&]+|&(?:amp|lt|gt);'
const WRITTEN = new RegExp(`(?:${TAG})|${TEXT}`, 'y')
const ATTRIBUTE = / ([a-z]+)="((?:[^"<>&]|&(?:amp|lt|gt|quot);)*)"/g

/** What is wrong with sanitised HTML, read by its own strict grammar; nothing when it is safe for every parser. */
export function faultsOf(html: string): string[] {
  const faults: string[] = []
  const open: string[] = []
  WRITTEN.lastIndex = 0
  while (WRITTEN.lastIndex < html.length) {
    const at = WRITTEN.lastIndex
    const token = WRITTEN.exec(html)
    if (token === null) return [...faults, `not understood at ${at}: ${html.slice(at, at + 40)}`]
    const [, slash, name, attributes, isEmpty] = token
    if (name === undefined) continue
    const allowed = allowedOf(name)
    if (allowed === null) faults.push(`<${name}>`)
    const isVoid = VOID.includes(` ${name} `)
    if (isVoid !== (isEmpty !== undefined)) faults.push(`<${name}> is not written as it should be`)
    if (slash === '/') {
      if (open.pop() !== name || attributes !== '') faults.push(`</${name}> closes something else`)
      continue
    }
    if (!isVoid) open.push(name)
    faults.push(...faultsOfAttributes(name, attributes ?? '', allowed ?? ''))
  }
  if (open.length > 0) faults.push(`left open: ${open}`)
  return [...faults, ...faultsSeenElsewhere(html)]
}

function allowedOf(name: string): string | null {
  if (Object.hasOwn(ALLOWED, name)) return ` ${ALLOWED[name]} `
  if (DIRECTED.includes(` ${name} `)) return ' dir '
  return BARE.includes(` ${name} `) ? ' ' : null
}

function faultsOfAttributes(tag: string, attributes: string, allowed: string): string[] {
  const faults: string[] = []
  const seen = new Set<string>()
  for (const [, name = '', value = ''] of attributes.matchAll(ATTRIBUTE)) {
    if (!allowed.includes(` ${name} `) || seen.has(name)) faults.push(`${name} of <${tag}>`)
    seen.add(name)
    if (['href', 'src', 'poster'].includes(name)) faults.push(...faultsOfUrl(tag, decoded(value)))
    if (['width', 'height', 'colspan', 'rowspan', 'span', 'start'].includes(name) && !/^-?\d+$/.test(value))
      faults.push(`${name}=${value}`)
    if (name === 'dir' && !/^(?:ltr|rtl|auto)$/i.test(value)) faults.push(`dir=${value}`)
  }
  if (attributes.replace(ATTRIBUTE, '') !== '') faults.push(`half-escaped: ${attributes}`)
  if (seen.has('href') && !attributes.includes('rel="noopener noreferrer nofollow"')) faults.push('a link without rel')
  return faults
}

function faultsOfUrl(tag: string, url: string): string[] {
  const isAbsolute = /^https?:\/\/[^/\s\\]/i.test(url) || (tag === 'a' && url.startsWith('mailto:'))
  if (!isAbsolute || parseUrl(url) === null) return [`${url} of <${tag}>`]
  return ['http:', 'https:', 'mailto:'].includes(new URL(url).protocol) ? [] : [`${url} of <${tag}>`]
}

/** As another tokenizer sees it. */
function faultsSeenElsewhere(html: string): string[] {
  const faults: string[] = []
  const parser = new Parser({
    onopentag: (name, attributes) => {
      const allowed = allowedOf(name)
      if (allowed === null) faults.push(`htmlparser2 sees <${name}>`)
      for (const attribute of Object.keys(attributes)) {
        if (!allowed?.includes(` ${attribute} `)) faults.push(`htmlparser2 sees ${attribute} of <${name}>`)
      }
    },
    oncomment: () => faults.push('htmlparser2 sees a comment'),
    onprocessinginstruction: name => faults.push(`htmlparser2 sees ${name}`),
  })
  parser.write(html)
  parser.end()
  return faults
}

function decoded(value: string): string {
  return value.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}
